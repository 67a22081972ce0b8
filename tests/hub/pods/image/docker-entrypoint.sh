#!/bin/bash
# A stand-in for the official image's entrypoint, for images that are not at hand. What a pod sees of
# it: root becomes uid 999; the first start makes the data with a server that answers on the socket
# only, sets root's password, and ends; then the real server takes its place.
set -eu
data=/var/lib/mysql
socket=/var/run/mysqld/mysqld.sock

if [ "$1" != mysqld ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
  chown -R 999:999 "$data" /var/run/mysqld
  exec chroot --userspec=999:999 / "$0" "$@"
fi
if [ ! -d "$data/mysql" ]; then
  if [ -n "${MYSQL_ROOT_PASSWORD_FILE:-}" ]; then MYSQL_ROOT_PASSWORD=$(<"$MYSQL_ROOT_PASSWORD_FILE"); fi
  "$@" --initialize-insecure
  "$@" --skip-networking --loose-mysqlx=OFF --socket="$socket" &
  first=$!
  until mysql --no-defaults --user=root --socket="$socket" --execute='SELECT 1' >/dev/null 2>&1; do
    kill -0 "$first"
    sleep 0.2
  done
  mysql --no-defaults --user=root --socket="$socket" <<SQL
CREATE USER 'root'@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
SQL
  kill "$first"
  wait "$first"
fi
exec "$@"
