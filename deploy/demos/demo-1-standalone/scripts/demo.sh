#!/bin/sh
# Demo 1: demo.sh start | demo | stop. "demo" walks through it, and fails where something does not
# hold that the walk tells of. DEMO_PAUSE=0 waits for no key.
set -u
cd "$(dirname "$0")/.." || exit 1
. ../../docker/root/usr/local/lib/opengslb/demo-steps.sh

ASK='docker exec client dig @10.10.0.10 app.demo.local +short'
api() { docker exec client curl -s "http://10.10.0.10:8080/api/v1/$1"; }

walk() {
  step 'Three web servers stand behind one name; six questions go round them'
  expect 30 'all three are served' '10.10.0.21 10.10.0.22 10.10.0.23'
  for _ in 1 2 3 4 5 6; do run "$ASK"; done

  step 'One of them stops. The overwatch checks every 5 s and needs two failures'
  run 'docker stop webapp2'
  expect 20 'webapp2 is out' '10.10.0.21 10.10.0.23'

  step 'It comes back'
  run 'docker start webapp2'
  expect 15 'webapp2 is back' '10.10.0.21 10.10.0.22 10.10.0.23'

  step 'What the API and the metrics say'
  expect_text 'the process lives' 'alive' api live
  expect_text 'it is ready' 'ready' api ready
  expect_text 'it lists webapp2' '10\.10\.0\.22' api health/servers
  expect_text 'there are series of checks' 'opengslb_health_check_results_total\{' \
    docker exec client curl -s http://10.10.0.10:9090/metrics
  say 'Demo 1 holds.'
}

case "${1:-demo}" in
  start) docker compose up -d --build ;;
  stop) docker compose down -v ;;
  demo) walk ;;
  *)
    echo "usage: $0 start|demo|stop" >&2
    exit 2
    ;;
esac
