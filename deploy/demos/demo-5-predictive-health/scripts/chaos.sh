#!/bin/sh
# Makes a backend of demo 5 sick, or well: chaos.sh backend-3 cpu intensity=85 duration=60s
#   cpu intensity=1..100, memory amount=MB, errors rate=1..100, latency latency=MS, stop, status
set -eu
case "${1:-}" in backend-[123]) ;; *)
  echo "usage: $0 backend-1|backend-2|backend-3 cpu|memory|errors|latency|stop|status [KEY=VALUE…]" >&2
  exit 2
  ;;
esac
backend=$1
what=${2:-status}
shift 2 2> /dev/null || shift 1
query=$(IFS='&'; printf '%s' "$*")
method=POST
[ "$what" = status ] && method=GET
docker exec "$backend" curl -s -X "$method" "http://127.0.0.1:8080/chaos/$what?$query"
echo
