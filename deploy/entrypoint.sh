#!/bin/sh
# Runs twittomatic in a container.
#
# Docker restarts a container after any code but 0, so intended ends become 0: 2 wrong usage, 3 paused, 130
# interrupted. A master that comes back after it died stands by: either another one leads by then, or none does, and
# then it leads at once. A worker has the name of its container.
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
while kill -0 "$child" 2>/dev/null; do # a signal ended the wait, not the child
  wait "$child"
  code=$?
done

case $code in
  0 | 2 | 3 | 130) rm -f "$died" && exit 0 ;;
  *) exit "$code" ;;
esac
