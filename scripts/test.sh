#!/usr/bin/env bash
# Sets up what the tests need, then runs every test; arguments go to cargo (test.sh --test promise).
# Plain `cargo test`, so that no further tool is needed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/setup.sh" build test
need_rust >/dev/null
cd "$ROOT"
say "building and running the tests with cargo test (the first time takes some minutes)"
cargo test --locked "$@"
