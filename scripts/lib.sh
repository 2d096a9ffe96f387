# shellcheck shell=bash
# What the other scripts share: progress lines, Debian packages, Rust, the tools folder.
# Sourced, never run.
# shellcheck disable=SC2034  # the lists of packages are used by those who source this file

# Everything that is needed to compile Doorward with its demo. A linker comes with gcc; samael's
# bindings to xmlsec1 are generated with libclang; a production build (--no-default-features)
# needs only the first four.
BUILD_PACKAGES=(gcc libc6-dev pkg-config libssl-dev
    libxml2-dev libxmlsec1-dev libxmlsec1-openssl libclang-dev ca-certificates)

# What the tests drive or ask beside our own code: a browser, the xmlsec1 and xmllint command
# lines, Python for the service providers that are neither ours nor Rust, nginx for tests/cluster.
TEST_PACKAGES=(xmlsec1 libxml2-utils chromium chromium-driver python3 python3-venv nginx)

# Service providers that are servers; tests/interop runs them in folders and on ports of its own.
SERVER_PACKAGES=(apache2 libapache2-mod-auth-mellon libapache2-mod-shib simplesamlphp php-cli php-xml)

# Database servers; the tests run their own, in folders and on ports of their own. Nothing is started
# or configured here, and a server that runs already is left alone. With libeatmydata they wait for no
# disk where there is no room in memory.
DATABASE_PACKAGES=(postgresql mariadb-server libeatmydata1)

# What only `make check` and `make screenshots` need.
CHECK_PACKAGES=(shellcheck python3 python3-venv)
SCREENSHOT_PACKAGES=(chromium chromium-driver python3)

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TOOLS="$ROOT/.tools"

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
warn() { printf '\033[1;33mwarning:\033[0m %s\n' "$*" >&2; }
die() {
    printf '\033[1;31merror:\033[0m %s\n' "$*" >&2
    exit 1
}

# Without a terminal the lines carry no colour.
if [[ ! -t 1 || -n "${NO_COLOR:-}" ]]; then
    say() { printf '==> %s\n' "$*"; }
    warn() { printf 'warning: %s\n' "$*" >&2; }
    die() {
        printf 'error: %s\n' "$*" >&2
        exit 1
    }
fi

# Runs a command as root: directly, or through sudo.
as_root() {
    if [[ "$(id -u)" -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

is_installed() {
    [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# need_packages WHY PACKAGE...: installs those that are missing and says which; asks for no rights
# where nothing is missing. Starts no service: see without_services.
need_packages() {
    local why="$1" package missing=()
    shift
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        warn "this is no Debian: install the equivalents of: $*"
        return 0
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        say "system packages $why: all there"
        return 0
    fi
    say "system packages $why: installing ${missing[*]}"
    if [[ "$(id -u)" -ne 0 ]] && ! command -v sudo >/dev/null; then
        die "neither root nor sudo; have an administrator run: apt-get install --no-install-recommends ${missing[*]}"
    fi
    as_root apt-get update -qq
    without_services as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# without_services COMMAND...: runs it while Debian's packages may start no service
# (/usr/sbin/policy-rc.d, which stays as it was).
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [[ -e "$policy" ]]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    "$@" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

# Finds cargo, also where rustup has put it but the shell was not started anew, and checks that it
# is new enough.
need_rust() {
    local wanted have
    if ! command -v cargo >/dev/null && [[ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]]; then
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
        export PATH
    fi
    command -v cargo >/dev/null ||
        die "no cargo found: install Rust with rustup (https://rustup.rs), then run this again"
    wanted="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml")"
    have="$(rustc --version | cut -d' ' -f2)"
    if [[ "$(printf '%s\n%s\n' "$wanted" "$have" | sort --version-sort | head -n 1)" != "$wanted" ]]; then
        die "Rust $have is too old, Doorward needs $wanted: run 'rustup update stable'"
    fi
    say "Rust $have"
}

# The Python that makes our environments: Debian's own where it is, so that python3-venv belongs to it.
system_python() {
    if [[ -x /usr/bin/python3 ]]; then
        echo /usr/bin/python3
    else
        command -v python3 || die "no python3 found"
    fi
}

# need_venv NAME REQUIREMENTS: a Python environment of its own in .tools/NAME, made anew only when
# the requirements or the interpreter have changed.
need_venv() {
    local venv="$TOOLS/$1" requirements="$2" python stamp
    # Each step says where it fails: a caller may go on without the environment.
    python="$(system_python)" || return 1
    stamp="$("$python" --version) $(sha256sum <"$requirements")"
    if [[ -f "$venv/.stamp" && "$(cat "$venv/.stamp")" == "$stamp" ]]; then
        say "Python packages in .tools/$1: all there"
        return 0
    fi
    say "Python packages in .tools/$1: installing the $(grep --count '==' "$requirements") of scripts/$(basename "$requirements")"
    rm -rf "$venv"
    "$python" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" || return 1
    printf '%s\n' "$stamp" >"$venv/.stamp"
}

# need_node NAME FOLDER: the npm packages that FOLDER locks, in .tools/NAME, made anew only when the
# lock file has changed. Debian's own Node.js and npm where no other are there.
need_node() {
    local modules="$TOOLS/$1" folder="$2" stamp
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        need_packages "for the npm packages" nodejs npm
    fi
    stamp="$(sha256sum <"$folder/package-lock.json")"
    if [[ -f "$modules/.stamp" && "$(cat "$modules/.stamp")" == "$stamp" ]]; then
        say "npm packages in .tools/$1: all there"
        return 0
    fi
    say "npm packages in .tools/$1: installing those of scripts/$(basename "$folder")"
    rm -rf "$modules"
    mkdir -p "$modules"
    cp "$folder/package.json" "$folder/package-lock.json" "$modules/"
    # No script of a package runs, and nothing but what the lock file names by its hash comes in.
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) || return 1
    printf '%s\n' "$stamp" >"$modules/.stamp"
}

# stage NAME COMMAND...: runs one stage and prints what it took. A failure is remembered, the next
# stage runs all the same, and `stages_done` ends with 1 if there was one.
FAILED_STAGES=()
stage() {
    local name="$1" started=$SECONDS status=0
    shift
    say "$name"
    # A sub-shell with errexit of its own: inside `||` it would otherwise be off in the whole stage.
    bash -euo pipefail -c '"$@"' stage "$@" || status=$?
    if [[ $status -eq 0 ]]; then
        say "$name: passed in $((SECONDS - started)) s"
    else
        FAILED_STAGES+=("$name")
        warn "$name: FAILED with status $status after $((SECONDS - started)) s"
    fi
}

stages_done() {
    if [[ ${#FAILED_STAGES[@]} -gt 0 ]]; then
        die "failed after $SECONDS s: $(printf '%s; ' "${FAILED_STAGES[@]}")"
    fi
    say "all passed in $SECONDS s"
}
