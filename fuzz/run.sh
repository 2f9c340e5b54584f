#!/usr/bin/env bash
# Fuzzes each target for SECONDS, 600 if not said, one after the other, on two processors; then says how
# often each was run and what was found. What is found stays in fuzz/artifacts, what was learnt in
# fuzz/corpus, and both out of the repository. Needs a nightly toolchain, and
# `cargo install --locked cargo-fuzz`. The codecs written in C (zstd, lz4) are not instrumented.
#
#     fuzz/run.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
shift || true

# What one input may cost; brotli's window of 16 MiB is the largest thing that a peer can ask for.
limits=(-max_len=4096 -timeout=20 -malloc_limit_mb=20 -rss_limit_mb=1024)
export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"

cargo run --quiet --locked --release --example seeds -- corpus
cargo +nightly fuzz build
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
host=$(rustc -vV | sed -n 's/^host: //p')
root=$PWD

# fuzz TARGET: in a folder of its own, where the workers write their logs.
fuzz() {
    local target=$1 failed=0 runs found
    local artifacts=$root/artifacts/$target corpus=$root/corpus/$target logs=$root/target/logs/$target
    rm -rf "$logs"
    mkdir -p "$artifacts" "$corpus" "$logs"
    cd "$logs"
    "$root/target/$host/release/$target" "$corpus" -artifact_prefix="$artifacts/" "${limits[@]}" \
        -max_total_time="$seconds" -print_final_stats=1 -jobs=2 -workers=2 >/dev/null 2>&1 || failed=1
    runs=$(cat ./*.log | sed -n 's/^stat::number_of_executed_units: *//p' | paste -sd+ - | bc)
    found=$(cat ./*.log | grep -c 'Test unit written to' || true)
    printf '%-10s %10d executions %6d in the corpus %3d findings\n' "$target" "${runs:-0}" \
        "$(find "$corpus" -type f | wc -l)" "$found"
    [ "$failed" -eq 0 ] || { echo "$target: see $logs" >&2; return 1; }
}

status=0
for target in "${targets[@]}"; do
    (fuzz "$target") || status=1
done
exit "$status"
