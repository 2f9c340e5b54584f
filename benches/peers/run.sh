#!/usr/bin/env bash
# Builds our layers' program and those of other ecosystems, and measures them in turn (src/main.rs
# says what): tables of Markdown. What is not installed (install.sh) is a row that says so.
#
#   benches/peers/run.sh [PART]     only the tables whose title has PART
#
# The variable ROUNDS says how many rounds, for a quick look. With glibc's slow memcpy out of the way
# (benches/tls.rs tells of it), for all of them:
#
#   GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000 benches/peers/run.sh
set -euo pipefail
cd "$(dirname "$0")"

sources=$PWD
cargo build --locked --release --quiet -p bench-peers
target=$(cargo metadata --locked --no-deps --format-version 1 |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
programs=$target/bench-peers
rm -rf "$programs"
mkdir -p "$programs"

# program NAME COMMAND...: what runs the command is a program of that name.
program() {
    local name=$1
    shift
    printf '#!/bin/sh\nexec %s "$@"\n' "${*@Q}" >"$programs/$name"
    chmod +x "$programs/$name"
}

program ours "$target/release/ours" stack
program tokio-rustls "$target/release/ours" tokio-rustls

if command -v go >/dev/null; then
    go build -o "$programs/go" "$sources/go/ends.go"
fi

# The jars of Debian's packages, as a path; nothing where one is missing.
jars() {
    dpkg-query --listfiles "$@" 2>/dev/null |
        grep '^/usr/share/java/.*\.jar$' | paste --serial --delimiters=:
}

if command -v javac >/dev/null && jars=$(jars libnetty-java libjctools-java); then
    classes=$programs/classes
    javac -cp "$jars" -d "$classes" "$sources/netty/Ends.java"
    program netty java -cp "$jars:$classes" Ends jdk
    if openssl=$(jars libnetty-tcnative-java); then
        # Debian's library has a name by which Netty does not find it, and it insists on Netty's.
        library=$(dpkg-query --listfiles libnetty-tcnative-jni | grep '\.so$')
        cp "$library" "$programs/libnetty_tcnative.so"
        program netty-openssl java "-Djava.library.path=$programs" \
            -cp "$jars:$openssl:$classes" Ends openssl
    fi
fi

# Debian's Python, which need not be the first that is found.
for python in python3 /usr/bin/python3; do
    command -v "$python" >/dev/null || continue
    for loop in asyncio uvloop; do
        if "$python" -c "import $loop" 2>/dev/null; then
            program "$loop" env "OPENSSL_CONF=$sources/python/openssl.cnf" \
                "$python" "$sources/python/ends.py" "$loop"
        fi
    done
done

cd "$programs"
"$target/release/bench-peers" "$@"
