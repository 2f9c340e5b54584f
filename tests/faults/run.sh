#!/usr/bin/env bash
# Shows that the simulator finds bugs: applies each patch in this folder, a fault each, to a copy of the
# tree, and expects the simulator to fail within the number of seeds that the patch names.
#
#   tests/faults/run.sh                 all faults; the copy without one has to pass first
#   tests/faults/run.sh NAME...         those whose file's name contains one of these
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
export LC_ALL=C

root=$PWD
export CARGO_TARGET_DIR="$root/target/faults"
# Little optimising: that the copies build fast counts for more.
export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/copy
# A fault may make it hang, which is found, but by nobody's report.
patience=120

main() {
    mkdir "$copy"
    cp -r Cargo.toml Cargo.lock README.md crates benches tests examples "$copy"
    cd "$copy"
    build
    local most
    most=$(sed -n 's/^Within: \([0-9]*\) seeds\.$/\1/p' "$root"/tests/faults/*.patch | sort -n | tail -n 1)
    simulate "$most" || { cat "$scratch/out"; echo "it fails without a fault" >&2; exit 1; }
    printf '%-38s %s\n' "no fault" "$(head -n 1 "$scratch/out")"
    local missed=0 tried=0 patch
    for patch in "$root"/tests/faults/*.patch; do
        wanted "$patch" "$@" || continue
        tried=$((tried + 1))
        try "$patch" || missed=$((missed + 1))
    done
    echo "$tried faults, $missed not found"
    [ "$tried" -gt 0 ] && [ "$missed" -eq 0 ]
}

# wanted PATCH NAMES...: whether the patch is among those asked for.
wanted() {
    local patch=$1 name
    shift
    [ $# -gt 0 ] || return 0
    for name in "$@"; do
        [[ $(basename "$patch") != *"$name"* ]] || return 0
    done
    return 1
}

build() {
    cargo build --quiet --locked -p layer-stack --features testing --example simulate 2>"$scratch/errors" \
        || { cat "$scratch/errors" >&2; return 1; }
}

simulate() {
    timeout "$patience" "$CARGO_TARGET_DIR/debug/examples/simulate" --seeds "$1" >"$scratch/out" 2>&1
}

# try PATCH: whether the simulator finds the fault.
try() {
    local name within status=0 said
    name=$(basename "$1" .patch)
    within=$(sed -n 's/^Within: \([0-9]*\) seeds\.$/\1/p' "$1")
    git apply "$1" || { printf '%-38s DOES NOT APPLY\n' "$name"; exit 1; }
    build || { printf '%-38s DOES NOT BUILD\n' "$name"; exit 1; }
    simulate "$within" || status=$?
    git apply --reverse "$1"
    case $status in
        1)
            said=$(sed -n 's/^FAILED with //p' "$scratch/out" | cut -c 1-90)
            printf '%-38s %s\n' "$name" "$said"
            ;;
        0) printf '%-38s NOT FOUND in %s seeds\n' "$name" "$within"; return 1 ;;
        *) printf '%-38s NOT REPORTED (status %s)\n' "$name" "$status"; return 1 ;;
    esac
}

main "$@"
