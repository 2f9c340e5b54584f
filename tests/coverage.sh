#!/usr/bin/env bash
# Fails if COVERAGE.md names a test that is not there, or leaves out a number of a bug or of a row.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

table=tests/COVERAGE.md
# Names in backticks are tests; the one link, to this script, is none.
names=$(grep -v coverage.sh "$table" | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
[ -n "$names" ] || { echo "$table names no test" >&2; exit 1; }
functions=$(grep -rhoE --include='*.rs' 'fn [a-z0-9_]+' tests crates | cut -c 4- | sort -u)

missing=$(comm -23 <(printf '%s\n' "$names") <(printf '%s\n' "$functions"))
for row in {1..20} S{1..20} T{1..22} C{1..12} D{1..3}; do
    grep -q "^| $row |" "$table" || missing+=$'\n'"row $row"
done
if [ -n "$missing" ]; then
    printf '%s: not there: %s\n' "$table" "$missing" >&2
    exit 1
fi
echo "$table: $(wc -l <<<"$names") tests, all there"
