#!/bin/sh
# Runs twittomatic in a container.
#
# Docker starts a container again after any code but 0, so the ends that are meant become 0: 2 wrong usage, 3 paused,
# 130 interrupted. A master that comes back because it died stands by: another one leads by then, or nobody, and then
# it leads at once. A worker is called as its container.
set -u
died=${TMPDIR:-/tmp}/twittomatic-died

if [ "${1:-}" = worker ]; then
  shift
  set -- worker "$(hostname)" "$@"
elif [ "${1:-}" = master ] && [ -e "$died" ]; then
  set -- "$@" --standby
fi
: > "$died"

child='' told=''
trap 'told=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
twittomatic "$@" &
child=$!
[ -z "$told" ] || kill -TERM "$child"
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do # a signal ended the waiting, not the child
  wait "$child"
  code=$?
done

case $code in
  0 | 2 | 3 | 130) rm -f "$died" && exit 0 ;;
  *) exit "$code" ;;
esac
