#!/bin/bash
# Runs what npm has installed into a clean root, as a user of its own; prints what it saw.
# Usage: clean-root-npm.sh ROOT, in mount, process and network namespaces of its own. ROOT holds
# node in /usr/local/bin and the package in /usr/local/lib/node_modules, and nothing else of ours.
set -u
root=$1
program=/usr/local/lib/node_modules/opengslb/dist/opengslb.js

. "$(dirname "$0")/clean-root-lib.sh"

inside id opengslb > /dev/null 2>&1 ||
  inside useradd --system --home-dir /var/lib/opengslb --shell /usr/sbin/nologin opengslb
inside install -d -o opengslb -g opengslb -m 0750 /var/lib/opengslb
inside install -d -o root -g opengslb -m 0750 /etc/opengslb

echo '== npm: installed'
inside /usr/local/bin/opengslb --version
inside /usr/local/bin/opengslb-cli --help | grep -o Usage
inside getcap /usr/local/bin/node | grep -c .

configure

echo '== npm: an overwatch on port 53'
as_unit +net_bind_service /usr/local/bin/node "$program" --mode overwatch \
  --config /etc/opengslb/config.yaml > /tmp/npm.log 2>&1 &
running /tmp/npm.log
grep -o 'front=[a-z]*\|by=[a-z]*' /tmp/npm.log
ask
ask +tcp
[ "$(stat -c %u "/proc/$(owner)")" = "$(inside id -u opengslb)" ] && echo 'as its user'
grep CapEff "/proc/$(owner)/status"

echo '== npm: replaced'
first=$(owner)
kill -USR2 "$first"
for _ in $(seq 300); do
  [ "$(owner)" != "$first" ] && ! kill -0 "$first" 2> /dev/null && break
  sleep 0.2
done
[ "$(owner)" != "$first" ] && echo 'another process'
ask
kill "$(owner)"
wait

echo '== npm: without the capability'
as_unit -all /usr/local/bin/node "$program" --config /etc/opengslb/config.yaml 2>&1 |
  grep -o 'EACCES' | head -1

echo '== npm: an agent'
as_unit +net_admin timeout -k 5 60 /usr/local/bin/node "$program" --mode agent \
  --config /etc/opengslb/agent.yaml > /tmp/npm-agent.log 2>&1 &
running /tmp/npm-agent.log
grep -o 'latency learning began.*ends=[a-z]*' /tmp/npm-agent.log
kill %% 2> /dev/null
wait
