#!/usr/bin/env bash
# Start MySQL on data that was made with the image: entrypoint.sh mysqld [OPTION ...]
#
# MYSQL_ROOT_PASSWORD is root's password, at every start: it follows the environment, also where the
# data has been kept. Any other command than mysqld is run as it is.
set -euo pipefail

made=${SIDECAR_MYSQL_MADE:-/opt/sidecar-mysql/data}
data=${SIDECAR_MYSQL_DATA:-/var/lib/mysql}

if [ "${1-}" != mysqld ]; then
  exec "$@"
fi
if [ -z "${MYSQL_ROOT_PASSWORD-}" ]; then
  echo "entrypoint: MYSQL_ROOT_PASSWORD is not set" >&2
  exit 1
fi

# mysql.ibd comes last: with it the data is whole, without it a copy was cut short.
if [ ! -e "$data/mysql.ibd" ]; then
  find "$made" -mindepth 1 -maxdepth 1 ! -name mysql.ibd -exec cp -R '{}' "$data/" ';'
  cp "$made/mysql.ibd" "$data/mysql.ibd.part"
  mv "$data/mysql.ibd.part" "$data/mysql.ibd"
fi

quoted=${MYSQL_ROOT_PASSWORD//\\/\\\\}
quoted=${quoted//\'/\\\'}
if [ "${quoted//$'\n'/}" != "$quoted" ]; then
  echo "entrypoint: MYSQL_ROOT_PASSWORD has a line break" >&2
  exit 1
fi
# MySQL runs this before it takes connections. From a pipe: the password is in no file and on no
# command line.
exec "$@" --init-file=<(
  cat <<SQL
CREATE USER IF NOT EXISTS 'root'@'%';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
ALTER USER 'root'@'%' IDENTIFIED BY '$quoted';
ALTER USER 'root'@'localhost' IDENTIFIED BY '$quoted';
SQL
)
