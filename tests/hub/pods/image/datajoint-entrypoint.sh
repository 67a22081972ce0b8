#!/bin/bash
# A stand-in for the entrypoint of datajoint/mysql, as its repository shows it: MySQL runs behind a
# `tail` that never ends and passes no signal on.
docker-entrypoint.sh mysqld &
tail -f /dev/null
