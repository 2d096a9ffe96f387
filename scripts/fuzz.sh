#!/usr/bin/env bash
# Fuzzes what takes bytes from outside: fuzz.sh [TARGET|all|build|smoke|keep [SECONDS]], all for 60 s each
# if nothing is said. Stable Rust, no sanitizer (there is no unsafe code of ours). What is new goes to
# target/fuzz; `keep` puts what of it reaches further into fuzz/corpus, as fuzz/README.md says. `smoke`
# tries each input of the corpora once, on an unoptimised build that shares what the tests have built.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

target="${1:-all}"
seconds="${2:-60}"

need_rust
need_packages "to build" "${BUILD_PACKAGES[@]}" g++
cd "$ROOT"

# The names of the targets, as fuzz/Cargo.toml lists them.
targets() { sed -n '/^\[\[bin\]\]/,/^path/s/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml; }

# The inputs of a target that earlier runs have kept, unpacked; prints the folder.
unpacked() {
    local folder="$ROOT/target/fuzz/kept/$1" kept="fuzz/corpus/$1.tar.gz"
    rm -rf "$folder"
    mkdir -p "$folder"
    [[ ! -f "$kept" ]] || tar -xzf "$kept" -C "$folder"
    printf '%s\n' "$folder"
}

if [[ "$target" == smoke ]]; then
    # The lock file follows that of the product, which changes more often.
    cargo build --manifest-path fuzz/Cargo.toml --target-dir target
    found=0
    for name in $(targets); do
        log="$(mktemp)"
        mapfile -t inputs < <(find "fuzz/corpus/$name" "$(unpacked "$name")" -type f)
        if "target/debug/$name" -timeout=60 "${inputs[@]}" 2>"$log"; then
            say "$name: ${#inputs[@]} inputs"
        else
            found=1
            warn "$name fails on an input of its corpus:"
            tail -n 20 "$log" >&2
        fi
        rm -f "$log"
    done
    exit "$found"
fi

if [[ ! -x "$TOOLS/bin/cargo-fuzz" ]]; then
    say "cargo-fuzz: compiling it (some minutes)"
    cargo install cargo-fuzz --locked --root "$TOOLS"
fi
PATH="$TOOLS/bin:$PATH"
export PATH
say "building the targets (the first time takes some minutes)"
cargo fuzz build -s none
[[ "$target" != build ]] || exit 0

if [[ "$target" == keep ]]; then
    for name in $(targets); do
        new="$ROOT/target/fuzz/$name" least="$ROOT/target/fuzz/least/$name"
        rm -rf "$least"
        mkdir -p "$new" "$least"
        cargo fuzz run -s none "$name" "$least" "$ROOT/fuzz/corpus/$name" "$(unpacked "$name")" "$new" -- \
            -merge=1 -timeout=60 -rss_limit_mb=1024 -max_len=65536 2>"$new.log"
        # The same inputs make the same file.
        tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 \
            -C "$least" -cf - . | gzip -9n >"fuzz/corpus/$name.tar.gz"
        say "$name: $(find "$least" -type f | wc -l) inputs"
    done
    exit 0
fi

if [[ "$target" == all ]]; then
    mapfile -t targets < <(targets)
else
    targets=("$target")
fi
found=0
for name in "${targets[@]}"; do
    new="$ROOT/target/fuzz/$name"
    mkdir -p "$new" "$ROOT/fuzz/corpus/$name"
    say "$name: $seconds s"
    # One input takes milliseconds; one of several seconds is a finding, as is one of 1 GiB. A stored
    # hash may ask for some seconds of work.
    timeout=5
    [[ "$name" != password_hashes ]] || timeout=30
    if ! cargo fuzz run -s none "$name" "$new" "$ROOT/fuzz/corpus/$name" "$(unpacked "$name")" -- \
        -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb=1024 -max_len=65536 \
        -print_final_stats=1 -verbosity=0 2>"$new.log"; then
        found=1
        warn "$name: a finding; see $new.log and fuzz/artifacts/$name"
    fi
    grep -E "stat::(number_of_executed_units|new_units_added|slowest_unit_time_sec|peak_rss_mb)" "$new.log" || true
done
exit "$found"
