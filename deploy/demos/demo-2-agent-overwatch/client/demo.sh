#!/bin/sh
# Demo 2, for the client: a failure that is noticed, and a drain that nobody notices. What is to be
# done on the host is printed; DEMO_PAUSE=0 waits for no key, only for what is done there.
set -u
cd /
. /usr/local/lib/opengslb/demo-steps.sh

ASK='dig @10.20.0.10 app.demo.local +short +tries=1 +time=2'
ALL='10.20.0.21 10.20.0.22 10.20.0.23'

# Visits the site as clients do, ten times a second: an answer of DNS, then the server it names.
visit() {
  while :; do
    address=$($ASK | tail -1)
    if curl -fs -m 2 -o /dev/null "http://$address/"; then echo ok; else echo "failed $address"; fi
    sleep 0.1
  done > /tmp/visits
}

step 'Each web server has an agent, and the agents told the overwatch of them'
expect 60 'all three are served' "$ALL"
until curl -fs -o /dev/null http://10.20.0.10:8080/api/v1/ready; do sleep 0.5; done
run 'curl -s http://10.20.0.10:8080/api/v1/health/servers | jq -c ".servers[] | [.address, .healthy]"'

step 'The scripts that look at a cluster find it whole'
export OVERWATCH=10.20.0.10 AGENTS=3
expect_ok 'the cluster is up' test-cluster
expect_ok 'it answers from outside' 'validate-cluster.sh --overwatch-ip 10.20.0.10 \
  --service-name app.demo.local --expected-agents 3 --expected-backends 3 --timeout 5'
expect_ok 'traffic reaches every server' 'generate-traffic 5 2'
expect_ok 'the backends are listed' show-backends

step 'Scenario 1, a failure: nginx of webapp2 is stopped, and a check must fail first'
on_host docker exec webapp2 pgrep -la opengslb
on_host docker exec webapp2 nginx -s stop
expect 120 'webapp2 is out' '10.20.0.21 10.20.0.23'
on_host docker exec webapp2 nginx
expect 120 'webapp2 is back' "$ALL"

step 'Scenario 2, a drain: webapp2 is to be taken out while it works'
visit &
visitor=$!
on_host ./scripts/drain.sh webapp2 on
expect 120 'webapp2 is out of DNS' '10.20.0.21 10.20.0.23'
on_host docker exec webapp2 ls -la /tmp/drain
expect_text 'its health check still passes' '^healthy$' curl -fs http://10.20.0.22/health
on_host ./scripts/drain.sh webapp2 off
expect 120 'webapp2 is back' "$ALL"
kill "$visitor"
on_host "docker logs webapp2 | grep drain"
say "$(grep -c ok /tmp/visits) visits during the drain, $(grep -c failed /tmp/visits) of them failed"
if grep -q failed /tmp/visits; then
  echo 'FAILED: visits were lost'
  exit 1
fi
say 'Demo 2 holds.'
