#!/usr/bin/env bash
# Installs what `packages` names from Debian, for which it needs root. Where all is there already it
# does nothing.
set -euo pipefail
cd "$(dirname "$0")"

mapfile -t packages < <(sed 's/#.*//' packages | xargs -n 1)
if ! dpkg-query --status "${packages[@]}" >/dev/null 2>&1; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "${packages[@]}"
fi
