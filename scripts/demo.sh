#!/usr/bin/env bash
# Installs what is missing, builds, and runs `doorward demo`; arguments go to it (demo.sh --port 9000).
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_packages "to build" "${BUILD_PACKAGES[@]}"
cd "$ROOT"
say "building (the first time takes some minutes)"
cargo build --locked --bin doorward
say "starting the demo; Ctrl-C ends it"
exec cargo run --quiet --locked --bin doorward -- demo "$@"
