#!/bin/sh
# Demo 6: clients are sent where their own connections are quick. DEMO_PAUSE=0 waits for no key.
set -u
cd "$(dirname "$0")/.." || exit 1
. ../../docker/root/usr/local/lib/opengslb/demo-steps.sh

EU=10.2.1.10
AP=10.3.1.10
east='docker exec traffic-eastus'
asia='docker exec traffic-southeastasia'
dig='dig @10.1.1.10 app.demo.local A +short'
table() { $east curl -s http://10.1.1.10:8080/api/v1/overwatch/latency; }

# expect_row NETWORK REGION LEAST MOST: a round-trip time within the bounds, learned in 90 s.
expect_row() {
  began=$(date +%s)
  until rtt=$(table | jq -e --arg n "$1" --arg r "$2" --argjson least "$3" --argjson most "$4" \
    '.entries[] | select(.subnet == $n and .region == $r and .samples >= 5) | .rtt_ms
     | select(. >= $least and . <= $most)'); do
    if [ $(($(date +%s) - began)) -ge 90 ]; then
      printf 'FAILED: %s to %s is not learned: %s\n' "$1" "$2" "$(table)"
      exit 1
    fi
    sleep 1
  done
  printf 'ok: %s to %s: %s ms (after %s s)\n' "$1" "$2" "$rtt" "$(($(date +%s) - began))"
}

step 'Step 1: the cluster is up'
began=$(date +%s)
until $east test-cluster; do
  if [ $(($(date +%s) - began)) -ge 90 ]; then echo 'FAILED: it is not up' && exit 1; fi
  sleep 2
done
ASK="$east $dig"
expect 30 'nothing is learned, and geography, wrong here, sends East US to Asia' "$AP"
ASK="$asia $dig"
expect 30 'and Asia to Europe' "$EU"
expect_text 'the log says so' 'geo_fallback' docker logs overwatch

step 'Step 2: traffic, from two networks'
run "$east generate-traffic 2 20"
run "$asia generate-traffic 2 20"

step 'Step 3: what the agents learned of it'
expect_row 10.1.2.0/24 eu-west 80 110
expect_row 10.1.2.0/24 ap-southeast 200 250
expect_row 10.3.2.0/24 ap-southeast 1 40
run "$east show-latency"

step 'Steps 4 and 6: each is sent where its own connections are quick'
ASK="$east $dig"
expect 30 'East US is sent to Europe' "$EU"
ASK="$asia $dig"
expect 30 'Asia is served in Asia' "$AP"
expect_text 'the log tells of the decision' 'routing decision.*method=learned' docker logs overwatch

step 'Step 5: a restart forgets; geography decides again'
run 'docker restart overwatch'
ASK="$east $dig"
expect 60 'East US is sent to Asia again' "$AP"
expect_text 'the log says why' 'geo_fallback' sh -c 'docker logs overwatch 2>&1 | tail -200'
say 'Demo 6 holds.'
