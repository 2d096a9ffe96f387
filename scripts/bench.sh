#!/usr/bin/env bash
# Runs the benchmarks on a release build without the demo; arguments go to cargo (bench.sh --bench NAME).
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_packages "to build" "${BUILD_PACKAGES[@]}"
cd "$ROOT"
say "building with optimisation and measuring; leave the machine alone meanwhile"
cargo bench --locked --no-default-features "$@"
