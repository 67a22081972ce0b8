#!/usr/bin/env bash
# Make MySQL's first data, while the image is built: initialise.sh DATA-FOLDER DUMPS-FOLDER
#
# What must differ from pod to pod is left out, and made at the first start: the server's uuid and the
# keys of its certificates.
set -euo pipefail

data=$1
dumps=$2
socket=$(mktemp -d)/mysqld.sock
options=(
  --no-defaults
  --datadir="$data"
  --socket="$socket"
  --pid-file="$socket.pid"
  --skip-networking
  --loose-mysqlx=OFF
  --skip-log-bin
  --performance-schema=OFF
  --max-allowed-packet=1G
  --loose-innodb-redo-log-capacity=8M
)

client() {
  mysql --no-defaults --socket="$socket" --user=root --max-allowed-packet=1G "$@"
}

mysqld "${options[@]}" --initialize-insecure
mysqld "${options[@]}" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT # also where a dump fails
until client --execute='SELECT 1' >/dev/null 2>&1; do
  kill -0 "$server" # ends the build if the server has ended
  sleep 0.2
done

shopt -s nullglob
for dump in "$dumps"/*.sql "$dumps"/*.sql.gz; do
  echo "loading $dump"
  case $dump in
    *.gz) gzip -dc "$dump" | client ;;
    *) client <"$dump" ;;
  esac
done

# A full purge, so that the first start has nothing to do.
client --execute='SET GLOBAL innodb_fast_shutdown = 0'
kill "$server"
wait "$server"
rm -rf "$data"/auto.cnf "$data"/*.pem "$data"/binlog.* "$(dirname "$socket")"
