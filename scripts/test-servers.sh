#!/usr/bin/env bash
# Private database servers for the tests, in a folder of their own on a free loopback port. The tests
# call this themselves (tests/support/server.rs); nothing is assumed to run, nothing is left behind.
#
#   test-servers.sh keep ENGINE STATE    start a server and keep it while anybody holds STATE/lease
#   test-servers.sh start ENGINE FOLDER  start the server of FOLDER; the first time, make it
#   test-servers.sh stop FOLDER          stop it, by its own pid
#   test-servers.sh end STATE            end what `keep` keeps, whoever still holds it
#
# ENGINE is postgres or mariadb. FOLDER/url is the administrator's address, FOLDER/user_url the one
# under which a test's database (its name is to be added) is reached as the product does it. With
# DURABLE=1 a commit waits for the disk; without, the server is as fast as it can be made.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Debian puts servers where only root looks.
PATH="$PATH:/usr/sbin:/sbin"
# For how many seconds nobody may want the server before it goes: the next test binary wants it soon.
LINGER=8
# How long a server may take to start on a busy machine, in tenths of a second.
PATIENCE=600
# How a command is run as who may run the server; see `as_server_user`.
as_user=()

main() {
    local command="${1:-}"
    case "$command $#" in
        "keep 3" | "start 3" | "stop 2" | "end 2") ;;
        *) die "test-servers.sh: keep ENGINE STATE, start ENGINE FOLDER, stop FOLDER, or end STATE" ;;
    esac
    shift
    "$command" "$@"
}

# One server for as many test processes as hold a shared lock on STATE/lease. STATE/server says where
# it is, while it is there; STATE/keeper.lock is held as long as this process lives.
keep() {
    local engine="$1" state="$2" idle=0
    mkdir -p "$state"
    exec 8>"$state/keeper.lock" 9>"$state/lease"
    flock --timeout 5 8 || die "somebody keeps a server in $state already"
    rm -f "$state/server"
    echo "$$" >"$state/keeper.pid"
    # Of a keeper that was killed; its server has gone by itself.
    [[ ! -e "$state/folder" ]] || rm -rf "$(cat "$state/folder")"
    FOLDER="$(new_folder "$engine")"
    STATE="$state"
    echo "$FOLDER" >"$state/folder"
    trap leave EXIT
    trap 'exit 130' INT TERM HUP
    # Should this process be killed, the server ends once its clients have gone.
    as_user=(setpriv --pdeathsig TERM)
    # The server must not hold the locks.
    start "$engine" "$FOLDER" 8>&- 9>&-
    echo "$FOLDER" >"$state/server.new"
    mv "$state/server.new" "$state/server"
    while [[ $idle -lt $LINGER ]]; do
        sleep 1 8>&- 9>&-
        if flock --nonblock --exclusive 9; then
            idle=$((idle + 1))
            # Whoever comes in the last second waits until the server is gone, and starts another.
            [[ $idle -ge $LINGER ]] || flock --unlock 9
        else
            idle=0
        fi
    done
}

leave() {
    trap '' INT TERM HUP
    rm -f "$STATE/server"
    stop "$FOLDER"
    rm -rf "$FOLDER" "$STATE/folder"
}

end() {
    local state="$1" pid
    [[ -e "$state/keeper.lock" ]] || return 0
    exec 8>"$state/keeper.lock"
    if ! flock --nonblock 8; then
        pid="$(cat "$state/keeper.pid")"
        kill -TERM "$pid" 2>/dev/null || true
        flock --timeout 30 8 || die "the keeper of $state (pid $pid) does not end"
    fi
}

# In memory where there is room for it: what a server does most here is to make databases.
new_folder() {
    local where="${TMPDIR:-/tmp}" free folder
    if [[ -z "${DURABLE:-}" && "$(stat --file-system --format=%T /dev/shm 2>/dev/null)" == tmpfs ]]; then
        free="$(df --output=avail --block-size=1M /dev/shm | tail -n 1)"
        [[ "$free" -lt 3000 ]] || where=/dev/shm
    fi
    folder="$(mktemp -d "$where/doorward-test-$1-XXXXXX")"
    chmod 711 "$folder"
    echo "$folder"
}

start() {
    local engine="$1" folder="$2" tries=5
    case "$engine" in
        postgres) as_server_user postgres ;;
        mariadb) as_server_user mysql ;;
        *) die "no engine $engine (postgres, mariadb)" ;;
    esac
    need_server_program "$engine"
    mkdir -p "$folder"
    echo "$engine" >"$folder/engine"
    # A server stays as it was made.
    [[ -z "${DURABLE:-}" ]] || touch "$folder/durable"
    [[ ! -e "$folder/durable" ]] || DURABLE=1
    [[ -e "$folder/password" ]] || (umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/password")
    if [[ ! -d "$folder/run" ]]; then
        mkdir "$folder/run"
        [[ "$(id -u)" -ne 0 ]] || chown "$USER_NAME" "$folder/run"
        "make_$engine" "$folder"
    fi
    if [[ -e "$folder/port" ]]; then
        "run_$engine" "$folder" "$(cat "$folder/port")" && return 0
        die_with_log "$folder" "$engine does not start again on its port"
    fi
    while [[ $tries -gt 0 ]]; do
        local port
        port="$(free_port)"
        if "run_$engine" "$folder" "$port"; then
            echo "$port" >"$folder/port"
            "addresses_$engine" "$folder" "$port"
            return 0
        fi
        tries=$((tries - 1))
    done
    die_with_log "$folder" "$engine does not start"
}

stop() {
    local folder="$1" pid tenths=0
    [[ -e "$folder/pid" ]] || return 0
    pid="$(cat "$folder/pid")"
    # SIGINT is PostgreSQL's fast shutdown and means nothing to MariaDB.
    if [[ "$(cat "$folder/engine")" == postgres ]]; then
        kill -INT "$pid" 2>/dev/null || true
    else
        kill -TERM "$pid" 2>/dev/null || true
    fi
    while is_running "$pid"; do
        sleep 0.1
        tenths=$((tenths + 1))
        [[ $tenths -lt 300 ]] || kill -KILL "$pid" 2>/dev/null || true
    done
    rm -f "$folder/pid"
}

# Whether the process lives; one that nobody has waited for yet does not.
is_running() {
    [[ -e "/proc/$1/stat" ]] && [[ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1)" != Z ]]
}

# Neither server runs as root: each has a user of its own, which its package has made.
as_server_user() {
    USER_NAME="$1"
    if [[ "$(id -u)" -eq 0 ]]; then
        [[ ${#as_user[@]} -gt 0 ]] || as_user=(setpriv)
        as_user+=(--reuid="$USER_NAME" --regid="$(id -g "$USER_NAME")" --clear-groups)
    fi
}

need_server_program() {
    if [[ "$1" == postgres ]]; then
        PG="$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort --version-sort | tail -n 1)"
        if [[ -z "$PG" ]]; then
            command -v initdb >/dev/null || die "PostgreSQL is not installed: scripts/setup.sh test"
            PG="$(dirname "$(command -v initdb)")"
        fi
    else
        command -v mariadb-install-db >/dev/null || die "MariaDB is not installed: scripts/setup.sh test"
    fi
}

# Below the ports that the tests' own processes take.
free_port() {
    local port
    while true; do
        port=$((10240 + RANDOM % 9000))
        if ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
}

# launch FOLDER COMMAND...: in the background, its pid in FOLDER/pid. Without DURABLE nothing waits
# for a disk, also where there is no room in memory.
launch() {
    local folder="$1" preload=()
    shift
    if [[ -z "${DURABLE:-}" ]] && ldconfig -p | grep -q libeatmydata.so; then
        preload=(env LD_PRELOAD=libeatmydata.so)
    fi
    # A session of its own: the terminal's Ctrl-C is the tests', and they let go of the server.
    (
        cd /
        exec setsid "${preload[@]}" "${as_user[@]}" "$@" </dev/null >>"$folder/server.log" 2>&1
    ) &
    echo "$!" >"$folder/pid"
}

# await FOLDER COMMAND...: until the command succeeds; fails when the server has ended.
await() {
    local folder="$1" tenths=0 pid
    shift
    pid="$(cat "$folder/pid")"
    until "$@" >/dev/null 2>&1; do
        if ! is_running "$pid" || [[ $tenths -ge $PATIENCE ]]; then
            kill -KILL "$pid" 2>/dev/null || true
            rm -f "$folder/pid"
            return 1
        fi
        sleep 0.1
        tenths=$((tenths + 1))
    done
}

die_with_log() {
    tail -n 30 "$1/server.log" >&2 || true
    die "$2"
}

# A collation that is not by bytes, so that a column that forgot its own is noticed.
make_postgres() {
    local folder="$1" password_file="$1/run/password"
    (umask 077 && "${as_user[@]}" tee "$password_file" <"$folder/password" >/dev/null)
    "${as_user[@]}" "$PG/initdb" --pgdata="$folder/run/data" --username=admin --encoding=UTF8 \
        --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US --no-sync \
        --auth=md5 --pwfile="$password_file" >"$folder/server.log" 2>&1 ||
        die_with_log "$folder" "initdb failed"
    if [[ -z "${DURABLE:-}" ]]; then
        printf 'fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n' |
            "${as_user[@]}" tee --append "$folder/run/data/postgresql.conf" >/dev/null
    fi
    # Room for many tests at once; passwords that cost nothing to check.
    printf 'max_connections = 400\npassword_encryption = md5\nmax_wal_size = 4GB\n' |
        "${as_user[@]}" tee --append "$folder/run/data/postgresql.conf" >/dev/null
}

run_postgres() {
    local folder="$1" port="$2"
    launch "$folder" "$PG/postgres" -D "$folder/run/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$folder/run"
    await "$folder" "$PG/pg_isready" --quiet --host=127.0.0.1 --port="$port"
}

addresses_postgres() {
    local folder="$1" port="$2" password
    password="$(cat "$folder/password")"
    PGPASSWORD="$password" "$PG/psql" --quiet --host=127.0.0.1 --port="$port" --username=admin \
        --dbname=postgres --command="CREATE ROLE doorward LOGIN PASSWORD '$password'" >>"$folder/server.log"
    (
        umask 077
        echo "postgres://admin:$password@127.0.0.1:$port/postgres" >"$folder/url"
        echo "postgres://doorward:$password@127.0.0.1:$port/" >"$folder/user_url"
    )
}

make_mariadb() {
    local folder="$1" password
    password="$(cat "$folder/password")"
    "${as_user[@]}" mariadb-install-db --no-defaults --datadir="$folder/run/data" --skip-test-db \
        --auth-root-authentication-method=normal >"$folder/server.log" 2>&1 ||
        die_with_log "$folder" "mariadb-install-db failed"
    (umask 077 && "${as_user[@]}" tee "$folder/run/init.sql" >/dev/null) <<END
ALTER USER root@localhost IDENTIFIED BY '$password';
CREATE USER IF NOT EXISTS admin@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS doorward@'%' IDENTIFIED BY '$password';
GRANT ALL ON \`doorward\\_%\`.* TO doorward@'%';
END
}

# The server's own defaults otherwise: a product that needs other ones has to ask for them.
run_mariadb() {
    local folder="$1" port="$2" durability=()
    if [[ -z "${DURABLE:-}" ]]; then
        durability=(--innodb-flush-log-at-trx-commit=0 --innodb-file-per-table=OFF --innodb-doublewrite=OFF)
    fi
    launch "$folder" mariadbd --no-defaults --datadir="$folder/run/data" \
        --bind-address=127.0.0.1 --port="$port" --socket="$folder/run/socket" --skip-name-resolve \
        --init-file="$folder/run/init.sql" --max-connections=400 "${durability[@]}"
    MYSQL_PWD="$(cat "$folder/password")" await "$folder" mariadb --no-defaults --host=127.0.0.1 \
        --port="$port" --user=admin --execute='SELECT 1'
}

addresses_mariadb() {
    local folder="$1" port="$2" password
    password="$(cat "$folder/password")"
    (
        umask 077
        echo "mysql://admin:$password@127.0.0.1:$port/mysql" >"$folder/url"
        echo "mysql://doorward:$password@127.0.0.1:$port/" >"$folder/user_url"
    )
}

main "$@"
