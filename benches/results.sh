#!/usr/bin/env bash
# Runs every bench, and writes what they print, with the machine and the versions, to
# benches/RESULTS.md: all of it, or nothing. What needs programs that are not there is left out, and
# the file says so.
#
#   bash benches/results.sh             on a machine that does nothing else: about 20 minutes
#   ROUNDS=1 bash benches/results.sh    whether everything works
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
export LC_ALL=C CARGO_TERM_COLOR=never

results=benches/RESULTS.md
scratch=$(mktemp -d)
title="the start"

at_exit() {
    local status=$?
    rm -rf "$scratch"
    [ "$status" -eq 0 ] || printf '\nFAILED at: %s; %s is as it was\n' "$title" "$results" >&2
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

main() {
    # First of all, since it tells of the tree and of the load before the run.
    preamble >"$scratch/results"
    build

    section "A layer by itself" "In memory, without a socket: a chunk through a stack, beside nested
boxed streams that pass it on; and a small layer that comes and goes. The stack keeps what goes down in
its outbox; the innermost boxed stream keeps nothing. \`cargo bench --bench layer\`" \
        run layer
    section "Instructions and allocations" "Counted, so they are the same on any day, with the limits
that \`.ci/run\` holds them to. \`bash benches/gate.sh\`" \
        gate
    section "Layers that do nothing, on TCP" "Loopback, bulk between two threads, and a ping-pong: the
bare socket, nested boxed streams, and stacks of up to 16 layers. \`cargo bench --bench passthrough\`" \
        run passthrough
    both_ways "TLS 1.3" "Bulk by the size of a write, and a ping-pong: the layer beside tokio-rustls with
the same rustls, and with a \`BufWriter\` over it where writes are small. \`cargo bench --bench tls\`" \
        run tls
    both_ways "Handshakes of TLS 1.3" "Connections opened one behind another, both ends on one thread,
from the connect to the first 64 B there and back. \`cargo bench --bench handshake\`" \
        run handshake
    beside_openssl
    section "Compression" "Codecs by format and level: the layer beside async-compression with the same
codec library. Most of the time is the codec's. \`cargo bench --bench compress -- alone\`" \
        run compress alone
    both_ways "Compression above TLS" "Two layers, beside async-compression over tokio-rustls.
\`cargo bench --bench compress -- 'above TLS'\`" \
        run compress "above TLS"

    section "Many connections" "What they hold while they wait, quiet ones beside a busy one, and many on
two threads. \`cargo bench --bench scale\`" \
        run scale
    section "Other languages" "Programs that do the same as ours. \`bash benches/peers/run.sh\`" \
        bash benches/peers/run.sh

    mv "$scratch/results" "$results"
    printf '\n%s is written (%d minutes)\n' "$results" $((SECONDS / 60))
}

# --- What goes before ------------------------------------------------------------------------

preamble() {
    local commit processor libraries peers
    commit=$(git rev-parse --short=12 HEAD)
    [ -z "$(git status --porcelain -- . ":!$results")" ] || commit+=", and changes on top of it"
    processor=$(lscpu | sed -n 's/^Model name: *//p' | grep .)
    libraries=$(versions Cargo.lock tokio rustls ring zstd-sys zlib-rs brotli lz4-sys)
    peers=$(versions Cargo.lock tokio-rustls async-compression)
    cat <<EOF
# Results

Written by \`bash benches/results.sh\` on $(date -u '+%Y-%m-%d, %H:%M') UTC.

| | |
|---|---|
| commit | $commit |
| processor | $processor, $(nproc) of them |
| load before the run | $(cut -d ' ' -f 1 /proc/loadavg) |
| system | $(uname -srm), $(getconf GNU_LIBC_VERSION) |
| compiler | $(rustc --version) |
| libraries | $libraries |
| peers | $peers |

In each table the variants ran in turn, in an order that turned each round. The *median* is of one
variant's rounds. The *ratio* is the first row's time by this row's, pair by pair: above 1, this row is
faster. Between the *quartiles* lies the middle half of the pairs. *cpu* is the same for the processor's
time, of both ends together. The row *again (A/A)* is the first variant once more: a difference that is
no larger than what that row shows is none.
EOF
}

# versions LOCK CRATE...: those that the lock file has.
versions() {
    local crate version text=
    for crate in "${@:2}"; do
        version=$(awk -v crate="$crate" '
            $1 == "name" { found = $3 == "\"" crate "\"" }
            $1 == "version" && found { gsub(/"/, "", $3); print $3 }
        ' "$1" | paste -sd / -)
        [ -n "$version" ] || { echo "$1 has no $crate" >&2; return 1; }
        text+="${text:+, }$crate $version"
    done
    echo "$text"
}

# --- Sections --------------------------------------------------------------------------------

# section TITLE TEXT COMMAND...: what the command prints, under that title.
section() {
    title=$1
    printf '\n## %s\n\n%s\n' "$1" "$2" | tee -a "$scratch/results"
    "${@:3}" | tee "$scratch/section"
    [ -s "$scratch/section" ] || { echo "it has printed nothing" >&2; return 1; }
    cat "$scratch/section" >>"$scratch/results"
}

# both_ways TITLE TEXT COMMAND...: a section as it is, and one without the copies that some processors
# are slow at.
both_ways() {
    section "$@"
    case $(uname -m)-$(getconf GNU_LIBC_VERSION) in
        x86_64-glibc*) section "$1, no slow copies" "The same with \`GLIBC_TUNABLES=$tunables\`: with
glibc up to 2.36 and on some processors, a copy of 4 KiB or more between buffers that lie a few bytes
apart within a page is far slower than others, and what is gained above may be no more than that." \
            no_slow_copies "${@:3}" ;;
    esac
}

tunables=glibc.cpu.x86_rep_movsb_threshold=1000000000

no_slow_copies() {
    GLIBC_TUNABLES=$tunables "$@"
}

# leave_out TITLE REASON
leave_out() {
    printf '\n## %s\n\nLeft out: %s.\n' "$1" "$2" | tee -a "$scratch/results"
}

beside_openssl() {
    local name="TLS 1.3 beside OpenSSL" openssl rust
    if ! pkg-config --exists openssl; then
        leave_out "$name" "OpenSSL's headers are not installed"
        return
    fi
    openssl=$(pkg-config --modversion openssl)
    rust=$(versions benches/openssl/Cargo.lock tokio-openssl tokio-rustls rustls ring)
    both_ways "$name" "The layer and tokio-rustls beside tokio-openssl, whose cryptography is OpenSSL's
own: OpenSSL $openssl, $rust. \`cd benches/openssl && cargo bench\`" \
        openssl
}

# --- Commands --------------------------------------------------------------------------------

# So that what does not build is known before anything is measured.
build() {
    title="build"
    cargo bench --locked --no-run
    ! pkg-config --exists openssl || openssl --no-run
}

# run BENCH ARGUMENTS...
run() {
    cargo bench --quiet --locked --bench "$1" -- "${@:2}"
}

openssl() (
    cd benches/openssl
    CARGO_TARGET_DIR=../../target/outside cargo bench --quiet --locked "$@"
)

gate() {
    printf '\n```text\n'
    bash benches/gate.sh
    printf '```\n'
}

main
