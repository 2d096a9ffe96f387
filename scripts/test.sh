#!/usr/bin/env bash
# Sets up what the tests need, then runs every test on SQLite, on PostgreSQL and on MariaDB, whose
# servers the tests start themselves. What asks for no database is run once. DOORWARD_TEST_DATABASE=
# sqlite|postgres|mariadb keeps it to one engine; arguments go to cargo (test.sh --test promise).
# Plain `cargo test`, so that no further tool is needed. A whole run is also held against
# docs/conformance.md: what shows a requirement has passed. `--write-conformance` writes it anew.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The test programs that no DOORWARD_TEST_DATABASE changes: they open no database, or name the engines
# themselves. tests/architecture.rs holds this list against what they use.
ONCE=(architecture cluster conformance reasons schema xml_signature)

# All other test programs, as arguments of cargo.
on_every_engine() {
    local program
    for program in tests/*.rs tests/*/main.rs; do
        program="${program#tests/}"
        program="${program%%/main.rs}"
        program="${program%%.rs}"
        [[ " ${ONCE[*]} " == *" $program "* ]] || printf -- '--test=%s\n' "$program"
    done
}

# The servers go by themselves some seconds after the last test; here nobody waits for that.
leave_no_server() {
    local state
    for state in "${CARGO_TARGET_DIR:-$ROOT/target}"/tmp/servers/*; do
        # Another run may be using it.
        if [[ -e "$state/lease" ]] && flock --nonblock --exclusive "$state/lease" true; then
            "$ROOT/scripts/test-servers.sh" end "$state"
        fi
    done
}

"$ROOT/scripts/setup.sh" build test
need_rust >/dev/null
cd "$ROOT"
write=()
if [[ "${1:-}" == --write-conformance ]]; then
    shift
    write=(DOORWARD_TEST_WRITE_DOCS=1)
fi
say "building and running the tests with cargo test (the first time takes some minutes)"
if [[ $# -gt 0 ]]; then
    exec cargo test --locked "$@"
fi
results="$ROOT/target/test-results.txt"
mkdir -p "$ROOT/target"
# A document that is out of date is no reason to stop before it is written.
skip=()
[[ ${#write[@]} -eq 0 ]] || skip=(-- --skip the_document_says_what_the_tests_show)
export DOORWARD_TEST_DATABASE
trap 'leave_no_server' EXIT
engines=("${DOORWARD_TEST_DATABASE:-sqlite}")
[[ -n "${DOORWARD_TEST_DATABASE:-}" ]] || engines+=(postgres mariadb)
DOORWARD_TEST_DATABASE="${engines[0]}"
say "on $DOORWARD_TEST_DATABASE: every test"
started=$SECONDS
cargo test --locked --no-fail-fast "${skip[@]}" | tee "$results"
say "on $DOORWARD_TEST_DATABASE: passed in $((SECONDS - started)) s"
say "holding docs/conformance.md against the results"
env DOORWARD_TEST_RESULTS="$results" "${write[@]}" cargo test --locked --quiet --test conformance

mapfile -t programs < <(on_every_engine)
for engine in "${engines[@]:1}"; do
    started=$SECONDS
    DOORWARD_TEST_DATABASE="$engine"
    say "on $engine: every test but those of ${ONCE[*]}"
    cargo test --locked --no-fail-fast "${programs[@]}"
    say "on $engine: passed in $((SECONDS - started)) s"
done
