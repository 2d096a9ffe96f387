#!/usr/bin/env bash
# Makes the pictures of docs/images anew: builds, runs the demo and visits it with headless Chromium.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/setup.sh" build screenshots
need_rust >/dev/null
cd "$ROOT"
say "building"
program="$(cargo build --locked --bin doorward --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)"
say "taking the pictures"
"$(system_python)" scripts/screenshots.py --doorward "$program" --out docs/images
