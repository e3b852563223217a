#!/bin/sh
# Demo 5: a server is drained before it fails. DEMO_PAUSE=0 waits for no key.
set -u
cd "$(dirname "$0")/.." || exit 1
. ../../docker/root/usr/local/lib/opengslb/demo-steps.sh

ASK='docker exec client dig @10.50.0.10 app.demo.local +short'
ALL='10.50.0.21 10.50.0.22 10.50.0.23'

step 'Act 1: three servers, all well'
expect 60 'all three are served' "$ALL"

step 'Act 2: the processor of backend-3 becomes busy'
run "./scripts/chaos.sh backend-3 cpu intensity=95 duration=60s"

step 'Act 3: it is drained, while its health check still passes'
expect 60 'backend-3 is out' '10.50.0.21 10.50.0.22'
expect_text 'its health check passes' 'ok' docker exec client curl -fs http://10.50.0.23:8080/health

step 'Act 4: it answers with errors as well'
run "./scripts/chaos.sh backend-3 errors rate=100 duration=30s"

step 'Act 5: it recovers'
run "./scripts/chaos.sh backend-3 stop"
expect 120 'backend-3 is back' "$ALL"
say 'Demo 5 holds.'
