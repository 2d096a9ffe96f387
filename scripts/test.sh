#!/usr/bin/env bash
# Sets up what the tests need, then runs every test; arguments go to cargo (test.sh --test promise).
# Plain `cargo test`, so that no further tool is needed. A whole run is also held against
# docs/conformance.md: what shows a requirement has passed. `--write-conformance` writes it anew.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

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
cargo test --locked "${skip[@]}" | tee "$results"
say "holding docs/conformance.md against the results"
env DOORWARD_TEST_RESULTS="$results" "${write[@]}" cargo test --locked --quiet --test conformance
