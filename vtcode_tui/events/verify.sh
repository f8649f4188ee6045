#!/bin/sh
# Verifies the chain of a vtcode journal with nothing but a POSIX shell and sha256sum (or shasum).
# usage: sh verify.sh journal.jsonl
# exit status: 0 every line continues the one before, 5 one does not, 6 the last line is torn, 2 usage
# It cannot notice a journal that was cut back at a line or replaced as a whole: compare the digest that it prints
# with the `head` of the session's `close` line in the root log, or use `vtcode audit verify`.
[ -r "${1:-}" ] || { echo "usage: sh verify.sh journal.jsonl" >&2; exit 2; }
if command -v sha256sum >/dev/null 2>&1; then digest() { sha256sum; }; else digest() { shasum -a 256; }; fi
# A shell drops NUL bytes while it reads, so it would not see them.
[ "$(tr -dc '\000' <"$1" | wc -c)" -eq 0 ] || { echo "there are NUL bytes in $1, which no journal holds" >&2; exit 5; }
LC_ALL=C
head=0000000000000000000000000000000000000000000000000000000000000000
number=0
while IFS= read -r line || { [ -z "$line" ] || torn=1; false; }; do
    case $line in
    *'"prev":"'"$head"'"}') ;;
    *) echo "line $((number + 1)) does not continue the line before it: expected $head" >&2; exit 5 ;;
    esac
    head=$(printf '%s' "$line" | digest); head=${head%% *}
    number=$((number + 1))
done <"$1"
[ -z "${torn:-}" ] || { echo "torn after $number lines; head $head" >&2; exit 6; }
echo "ok $number $head"
