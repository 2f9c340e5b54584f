#!/usr/bin/env bash
# Installs what the tests of this package start: from Debian what the lists below this folder name
# (`packages` and `*.packages`, one a line), for which it needs root, and from PyPI what
# python/requirements.txt names, into target/peers-venv. It does nothing where all is there already,
# and starts no service.
set -euo pipefail
cd "$(dirname "$0")"

venv=../../target/peers-venv

# The packages of the lists that are not installed.
missing() {
    local wanted
    wanted=$(find . \( -name packages -o -name '*.packages' \) -type f -exec sed 's/#.*//' {} + |
        xargs -n 1 | sort -u)
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

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
    forbid_services
    apt-get update
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "${packages[@]}"
fi

if ! cmp --silent python/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --requirement python/requirements.txt
    cp python/requirements.txt "$venv/"
fi
