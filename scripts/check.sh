#!/usr/bin/env bash
# What a change must pass beside the tests: formatting, lints with and without the demo, the crate's
# documentation, the dependencies, the scripts. `--ci` tries the corpora of the fuzz targets too, and runs
# the tests (`make test`) as the last stage.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ci=false
case "${1:-}" in
    "") ;;
    --ci) ci=true ;;
    *) die "check.sh: unknown argument '$1'" ;;
esac

cd "$ROOT"
if $ci; then
    stage "set-up" scripts/setup.sh build test check
else
    stage "set-up" scripts/setup.sh build check
fi
# Without the set-up every other stage would fail for the same reason.
[[ ${#FAILED_STAGES[@]} -eq 0 ]] || stages_done
need_rust >/dev/null

stage "scripts (shellcheck)" shellcheck --external-sources .ci/run scripts/*.sh deploy/docker/*.sh
stage "formatting (cargo fmt)" cargo fmt --all --check
stage "dependencies (cargo deny)" scripts/deny.sh
stage "lints (cargo clippy)" cargo clippy --locked --all-targets -- -D warnings
stage "lints without the demo" cargo clippy --locked --all-targets --no-default-features -- -D warnings
stage "documentation (cargo doc)" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --locked --no-deps --document-private-items
if $ci; then
    stage "fuzz targets on their corpora" scripts/fuzz.sh smoke
    stage "tests (make test)" make --no-print-directory test
fi
stages_done
