#!/bin/sh
# Start a Valkey server or a Sentinel:
#
#   start.sh server   ADDRESS PORT [MASTER_ADDRESS MASTER_PORT]
#   start.sh sentinel ADDRESS PORT  MASTER_ADDRESS MASTER_PORT
#
# Both write what a failover changed into their configuration, so each has its own in /data, copied from the one
# beside this script if there is none. VALKEY_PASSWORD is needed, of letters and digits.
set -eu
kind=$1 address=$2 port=$3
data=${VALKEY_DATA:-/data}
own=$data/$kind.conf

if [ ! -s "$own" ]; then
  umask 077
  {
    printf 'port %s\ndir %s\nrequirepass %s\n' "$port" "$data" "$VALKEY_PASSWORD"
    if [ "$kind" = sentinel ]; then
      printf 'sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\nsentinel announce-ip %s\n' "$address"
      printf 'sentinel announce-port %s\n' "$port"
      printf 'sentinel monitor twittomatic %s %s 2\nsentinel auth-pass twittomatic %s\n' "$4" "$5" "$VALKEY_PASSWORD"
    else
      printf 'masterauth %s\nreplica-announce-ip %s\n' "$VALKEY_PASSWORD" "$address"
      [ $# -lt 5 ] || printf 'replicaof %s %s\n' "$4" "$5"
    fi
    cat "$(dirname "$0")/$kind.conf"
  } > "$own.new"
  mv "$own.new" "$own"
fi

if [ "$kind" = sentinel ]; then
  exec valkey-server "$own" --sentinel
fi
exec valkey-server "$own"
