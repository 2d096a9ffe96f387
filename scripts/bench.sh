#!/usr/bin/env bash
# Runs the benchmark on a release build without the demo; what follows -- goes to it (docs/speed.md).
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_packages "to build" "${BUILD_PACKAGES[@]}"
cd "$ROOT"
benchmarks=(warm_sso scale)
[[ $# -eq 0 ]] || benchmarks=(warm_sso)
if [[ "${1:-}" == warm_sso || "${1:-}" == scale ]]; then
    benchmarks=("$1")
    shift
fi
say "building with optimisation and measuring; leave the machine alone meanwhile"
for benchmark in "${benchmarks[@]}"; do
    cargo bench --locked --no-default-features --bench "$benchmark" "$@"
done
