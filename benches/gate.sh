#!/usr/bin/env bash
# The gate: instructions and allocations for a layer and a chunk, which come out the same on any
# day, against the limits of benches/gate.toml. Needs valgrind. Exits 1 if a limit is exceeded.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
export LC_ALL=C

limits=benches/gate.toml
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

main() {
    command -v valgrind >/dev/null || { echo "the gate needs valgrind" >&2; exit 2; }
    build
    printf '%-46s %10s %10s\n' "" measured limit
    row up_instructions "instructions, a layer, a 1 KiB chunk up" a_layer up instructions
    row down_instructions "instructions, a layer, a 1 KiB chunk down" a_layer down instructions
    row change_instructions "instructions, a push and a pop" each_time change 4 instructions
    row pingpong_instructions "instructions, a ping-pong" each_time pingpong 1 instructions
    row tls_small_instructions "instructions, 64 B written through TLS and read" each_time tls_small 0 instructions 8192
    row tls_pingpong_instructions "instructions, a ping-pong through TLS" each_time tls_pingpong 0 instructions
    row up_allocations "allocations, a chunk up through 16 layers" each_time up 16 allocations
    row down_allocations "allocations, a chunk down through 16 layers" each_time down 16 allocations
    row change_allocations "allocations, a push and a pop" each_time change 4 allocations
    row pingpong_allocations "allocations, a ping-pong" each_time pingpong 1 allocations
    row tls_allocations "allocations, 64 KiB through TLS" each_time tls 0 allocations
    exit "$failed"
}

build() {
    cargo bench --locked --no-run --bench gate --message-format=json >"$scratch/build"
    gate=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$scratch/build" | tail -n 1)
    [ -x "$gate" ] || { echo "cargo names no program" >&2; exit 2; }
}

# row NAME TEXT COMMAND...: compares what the command measures with the limit of that name.
row() {
    local limit measured verdict=ok
    limit=$(sed -n "s/^$1 *= *\([0-9.]*\).*/\1/p" "$limits")
    measured=$("${@:3}")
    [[ $limit =~ ^[0-9.]+$ && $measured =~ ^[0-9.]+$ ]] \
        || { echo "$1: measured '$measured', limit '$limit'" >&2; exit 2; }
    if awk "BEGIN { exit !($measured > $limit) }"; then
        verdict=EXCEEDED
        failed=1
    fi
    printf '%-46s %10s %10s  %s\n' "$2" "$measured" "$limit" "$verdict"
}

# a_layer SCENARIO WHAT: what one layer adds, each time.
a_layer() {
    local one seventeen
    one=$(each_time "$1" 1 "$2")
    seventeen=$(each_time "$1" 17 "$2")
    awk "BEGIN { printf \"%.1f\", ($seventeen - $one) / 16 }"
}

# each_time SCENARIO DEPTH WHAT [COUNT]: what it costs once: the start-up cancels, if buffers have
# grown to their size by then.
each_time() {
    local n=${4:-1000} once twice
    once=$("$3" "$1" "$2" $n)
    twice=$("$3" "$1" "$2" $((2 * n)))
    awk "BEGIN { printf \"%.2f\", ($twice - $once) / $n }"
}

# instructions SCENARIO DEPTH COUNT
instructions() {
    valgrind --tool=callgrind --callgrind-out-file="$scratch/callgrind.out" \
        "$gate" "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 2; }
    sed -n 's/^summary: *//p' "$scratch/callgrind.out" | grep .
}

# allocations SCENARIO DEPTH COUNT
allocations() {
    "$gate" "$@" allocations
}

main
