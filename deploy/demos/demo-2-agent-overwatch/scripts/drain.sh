#!/bin/sh
# Drains a web server of demo 2, or returns it: drain.sh webapp2 on|off.
set -eu
usage() {
  echo "usage: $0 webapp1|webapp2|webapp3 on|off" >&2
  exit 2
}
case "${1:-}" in webapp[123]) ;; *) usage ;; esac
case "${2:-}" in
  on)
    docker exec "$1" touch /tmp/drain
    echo "$1: draining; its agent says goodbye, its nginx serves on"
    ;;
  off)
    docker exec "$1" rm -f /tmp/drain
    echo "$1: in service again once its agent has been heard"
    ;;
  *) usage ;;
esac
