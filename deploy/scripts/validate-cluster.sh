#!/bin/bash
# Seven looks at a running cluster, from outside. Exit 0 when all hold, 1 when one fails, 2 for a
# wrong command line.
set -u

overwatch=
expected_agents=0
expected_backends=0
zone=
service=web
timeout=10
verbose=false
as_json=false
dns_port=53
api_port=8080
gossip_port=7946

usage() {
  cat << 'TEXT'
usage: validate-cluster.sh --overwatch-ip ADDRESS [flags]
  --expected-agents N      at least so many agents (default 0)
  --expected-backends N    at least so many backends (default 0)
  --dns-zone ZONE          zone of the service; empty: the service is a whole name
  --service-name NAME      name asked for (default web)
  --timeout SECONDS        of each request (default 10)
  --dns-port, --api-port, --gossip-port PORT
  --verbose                what was answered
  --json                   one object at the end, and nothing else
TEXT
}

wrong() {
  echo "validate-cluster: $1" >&2
  usage >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --verbose) verbose=true ;;
    --json) as_json=true ;;
    --help)
      usage
      exit 0
      ;;
    --overwatch-ip | --expected-agents | --expected-backends | --dns-zone | --service-name | \
      --timeout | --dns-port | --api-port | --gossip-port)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      key=${1#--}
      key=${key//-/_}
      [ "$key" = overwatch_ip ] && key=overwatch
      [ "$key" = dns_zone ] && key=zone
      [ "$key" = service_name ] && key=service
      printf -v "$key" %s "$2"
      shift
      ;;
    *) wrong "unknown flag $1" ;;
  esac
  shift
done
[ -n "$overwatch" ] || wrong '--overwatch-ip is required'
for number in "$expected_agents" "$expected_backends" "$timeout" "$dns_port" "$api_port"; do
  [[ $number =~ ^[0-9]+$ ]] || wrong "\"$number\" is no number"
done

name=$service${zone:+.$zone}
api=http://$overwatch:$api_port/api/v1
passed=0
failed=0
warned=0
results=()

report() { # PASS|FAIL|WARN test detail
  case $1 in PASS) ((passed++)) ;; FAIL) ((failed++)) ;; WARN) ((warned++)) ;; esac
  results+=("$(jq -cn --arg r "$1" --arg t "$2" --arg d "$3" '{result: $r, test: $t, detail: $d}')")
  $as_json || printf '%-4s %s: %s\n' "$1" "$2" "$3"
}
detail() { $verbose && ! $as_json && sed 's/^/       /' <<< "$1"; }
get() { curl -fs -m "$timeout" "$api/$1"; }
open_port() { timeout "$timeout" bash -c "exec 3<>/dev/tcp/$overwatch/$1" 2> /dev/null; }

# 1. Ports.
shut=
for port in "$dns_port" "$api_port" "$gossip_port"; do open_port "$port" || shut+=" $port"; done
if [ -z "$shut" ]; then report PASS network 'DNS, API and gossip ports are open'
else report FAIL network "no TCP connection to port$shut"; fi

# 2. The overwatch itself.
ready=$(curl -s -m "$timeout" "$api/ready")
detail "$ready"
if jq -e '.ready == true or .status == "ready"' > /dev/null 2>&1 <<< "$ready"; then
  report PASS overwatch 'is ready'
else report FAIL overwatch "is not ready: ${ready:-no answer}"; fi

# 3. Agents and backends.
backends=$(get overwatch/backends)
count=$(jq '.backends | length' <<< "$backends" 2> /dev/null || echo 0)
agents=$(jq '[.backends[] | .agent_id // empty | select(. != "")] | unique | length' \
  <<< "$backends" 2> /dev/null || echo 0)
if [ "${agents:-0}" -ge "$expected_agents" ] && [ "${count:-0}" -ge "$expected_backends" ]; then
  report PASS cluster "${agents:-0} agents, ${count:-0} backends"
else report FAIL cluster "${agents:-0} of $expected_agents agents, ${count:-0} of $expected_backends backends"; fi

# 4. DNS.
answer=$(dig "@$overwatch" -p "$dns_port" "$name" A +short +tries=2 "+time=$timeout" |
  grep -E '^[0-9.]+$')
if [ -n "$answer" ]; then report PASS dns "$name is $(tr '\n' ' ' <<< "$answer")"
else report FAIL dns "no address for $name"; fi

# 5. Each backend.
down=
while read -r place; do
  [ -n "$place" ] || continue
  curl -s -m "$timeout" -o /dev/null "http://$place/" || down+=" $place"
done < <(jq -r '.backends[]? | "\(.address):\(.port)"' <<< "$backends" 2> /dev/null)
if [ -n "$down" ]; then report WARN backends "no HTTP answer from$down"
else report PASS backends 'all answer HTTP'; fi

# 6. The latency table.
latency=$(get overwatch/latency)
rows=$(jq '.entries | length' <<< "$latency" 2> /dev/null)
if [ -z "$rows" ]; then report FAIL latency 'the table cannot be read'
elif [ "$rows" = 0 ]; then report WARN latency 'nothing is learned yet'
else report PASS latency "$rows rows"; fi

# 7. From a name to an answer.
first=$(head -1 <<< "$answer")
port=$(jq -r --arg a "$first" '[.backends[]? | select(.address == $a) | .port][0] // 80' \
  <<< "$backends" 2> /dev/null)
if [ -n "$first" ] && curl -fs -m "$timeout" -o /dev/null "http://$first:${port:-80}/"; then
  report PASS routing "$name leads to $first, which answers"
else report FAIL routing "$name leads to ${first:-nothing}, which does not answer"; fi

if $as_json; then
  printf '%s\n' "${results[@]}" |
    jq -s --argjson p "$passed" --argjson f "$failed" --argjson w "$warned" \
      '{passed: $p, failed: $f, warnings: $w, results: .}'
else
  echo "$passed passed, $failed failed, $warned warnings"
fi
[ "$failed" = 0 ]
