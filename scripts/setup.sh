#!/usr/bin/env bash
# Installs what building, testing and checking need, and says what: setup.sh [build] [test] [check] [screenshots].
# Works as root or through sudo, needs neither where all is there, and starts no service.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -gt 0 ]] || set -- build test check

packages=()
for part in "$@"; do
    case "$part" in
        build) packages+=("${BUILD_PACKAGES[@]}") ;;
        test) packages+=("${TEST_PACKAGES[@]}" "${SERVER_PACKAGES[@]}" "${DATABASE_PACKAGES[@]}") ;;
        check) packages+=("${CHECK_PACKAGES[@]}") ;;
        screenshots) packages+=("${SCREENSHOT_PACKAGES[@]}") ;;
        *) die "setup.sh: unknown part '$part' (build, test, check, screenshots)" ;;
    esac
done
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort --unique)

need_rust
parts="$*"
need_packages "to ${parts// / and to }" "${packages[@]}"
for part in "$@"; do
    case "$part" in
        test)
            need_venv python "$ROOT/scripts/python-test.txt"
            need_node node "$ROOT/scripts/node"
            ;;
        check) "$ROOT/scripts/deny.sh" --install ;;
        *) ;;
    esac
done
