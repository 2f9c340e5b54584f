#!/usr/bin/env bash
# Installs what the tests of this package start: from Debian what the lists below this folder name
# (`packages` and `*.packages`, one a line), for which it needs root, and from PyPI what
# python/requirements.txt names, into target/peers-venv. What servers.unpacked names is unpacked into
# target/peers-unpacked, and only the libraries that it needs are installed. It does nothing where all
# is there already, and starts no service.
set -euo pipefail
cd "$(dirname "$0")"

venv=../../target/peers-venv
unpacked=../../target/peers-unpacked

# The names in these lists.
names() {
    sed 's/#.*//' "$@" | xargs -n 1
}

# The packages of the lists that are not installed.
missing() {
    local wanted
    wanted=$(find . "$unpacked/needs" \
        \( -name packages -o -name '*.packages' -o -name needs \) -type f -print0 |
        xargs -0 cat | names | sort -u)
    # dpkg-query complains of those that it has never heard of.
    # shellcheck disable=SC2086
    comm -23 <(echo "$wanted") <(
        { dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null || true; } |
            sed -n 's/^[hi]i *//p' | sort -u
    )
}

# A service that is installed would be started at once, unless policy-rc.d forbids it.
forbid_services() {
    local policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || return 0
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
}

# Brings the lists of what Debian has up to date, once.
update() {
    [ -n "${updated-}" ] || apt-get update
    updated=yes
}

# Unpacks the list into a new folder, and writes beside it which libraries that needs.
unpack() (
    list=$PWD/servers.unpacked
    rm -rf "$unpacked"
    mkdir -p "$unpacked/packages"
    cd "$unpacked/packages"
    mapfile -t packages < <(names "$list")
    apt-get --option APT::Sandbox::User=root download "${packages[@]}"
    for package in *.deb; do
        dpkg-deb --extract "$package" ..
        dpkg-deb --field "$package" Depends
    done | tr ', ' '\n' | grep '^lib' | grep -v -- '-perl$' >../needs
    cp "$list" ..
)

if ! cmp --silent servers.unpacked "$unpacked/servers.unpacked"; then
    update
    unpack
fi

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
    forbid_services
    update
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "${packages[@]}"
fi

if ! cmp --silent python/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --requirement python/requirements.txt
    cp python/requirements.txt "$venv/"
fi
