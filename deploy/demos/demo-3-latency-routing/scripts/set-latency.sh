#!/bin/sh
# Delays what a web server of demo 3 sends: set-latency.sh webapp2 2, in milliseconds.
set -eu
case "${1:-}" in webapp[123]) ;; *)
  echo "usage: $0 webapp1|webapp2|webapp3 MILLISECONDS" >&2
  exit 2
  ;;
esac
case "${2:-}" in '' | *[!0-9]*)
  echo "usage: $0 webapp1|webapp2|webapp3 MILLISECONDS" >&2
  exit 2
  ;;
esac
docker exec "$1" tc qdisc replace dev eth0 root netem delay "${2}ms"
echo "$1 answers after $2 ms"
