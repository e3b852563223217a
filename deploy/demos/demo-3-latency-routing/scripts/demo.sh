#!/bin/sh
# Demo 3: the server that answers fastest is the one that is served. DEMO_PAUSE=0 waits for no key.
set -u
cd "$(dirname "$0")/.." || exit 1
. ../../docker/root/usr/local/lib/opengslb/demo-steps.sh

ASK='docker exec client dig @10.30.0.10 app.demo.local +short'
api() { docker exec client curl -s "http://10.30.0.10:8080/api/v1/$1"; }

step 'webapp1 answers in 5 ms, webapp2 in 50 ms, webapp3 in 150 ms'
expect 60 'webapp1 is served, and it alone' '10.30.0.21'
for _ in 1 2 3; do run "$ASK"; done

step 'webapp2 becomes the fastest'
run './scripts/set-latency.sh webapp2 2'
expect 30 'webapp2 is served' '10.30.0.22'

step 'webapp1 and webapp2 become slow, past the 400 ms that the domain allows'
run './scripts/set-latency.sh webapp1 500'
run './scripts/set-latency.sh webapp2 500'
expect 60 'webapp3 is served' '10.30.0.23'

step 'What the API and the metrics say'
expect_text 'the explanation names the policy' '"policy": ?"latency"' api 'explain?name=app.demo.local'
expect_text 'the times are series' 'opengslb_backend_smoothed_latency_ms\{[^}]*10\.30\.0\.23' \
  docker exec client curl -s http://10.30.0.10:9090/metrics
say 'Demo 3 holds.'
