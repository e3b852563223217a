#!/bin/sh
# Updates the nodes of a cluster one at a time: followers first, the leader last.
#
#   rolling-update.sh 'COMMAND' URL...
#
# URL is the API of each node, such as http://10.0.1.1:8080. COMMAND is run by sh once for each, with
# the URL in $NODE_URL and its host in $NODE_HOST; it must have that node replaced or restarted, and
# may return before that is done:
#
#   rolling-update.sh 'ssh root@"$NODE_HOST" "apt-get install -y --reinstall opengslb"' \
#     http://10.0.1.1:8080 http://10.0.1.2:8080 http://10.0.1.3:8080
#
# Before each node all others must be members that vote and are alive, or nothing more is touched: a
# second node that is away would leave too few to lead. A node is updated once another process
# answers for it than before, is ready, and sees all nodes alive. OPENGSLB_TOKEN is sent where the
# API wants one; WAIT is how many seconds a node has for that (120).
set -eu

if [ "$#" -lt 2 ]; then
  sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
command=$1
shift
wait=${WAIT:-120}

fail() {
  echo "rolling-update: $*" >&2
  exit 1
}

# What a node's API says, without spaces; nothing where it does not answer.
ask() {
  if [ -n "${OPENGSLB_TOKEN:-}" ]; then
    curl -fs -m 3 -H "Authorization: Bearer $OPENGSLB_TOKEN" "$1/api/v1/$2"
  else
    curl -fs -m 3 "$1/api/v1/$2"
  fi 2>/dev/null | tr -d ' \n' || true
}

# When the process that answers was started; another process has another moment.
started() { ask "$1" config/system | grep -o '"start_time":"[^"]*"' || true; }

leads() { ask "$1" cluster/status | grep -q '"is_leader":true'; }

count() { grep -o "$1" | grep -c . || true; }

# All are members that vote and are alive, as the node tells.
is_whole() {
  members=$(ask "$1" cluster/members)
  [ "$(printf %s "$members" | count '"is_voter":true')" -eq "$2" ] &&
    [ "$(printf %s "$members" | count '"is_alive":true')" -eq "$2" ]
}

# Another process answers than the one of that start. Until then all that it says is of before.
is_anew() {
  now=$(started "$1")
  [ -n "$now" ] && [ "$now" != "$2" ]
}

# It takes part again: it follows or leads, knows who does, and has something to answer with.
is_back() {
  is_anew "$1" "$3" || return 1
  status=$(ask "$1" cluster/status)
  printf %s "$status" | grep -Eq '"state":"(leader|follower)"' &&
    printf %s "$status" | grep -Eq '"leader_id":"[^"]+"' && is_whole "$1" "$2" &&
    ask "$1" ready | grep -q '"ready":true'
}

# Tries for as long as a node may take.
until_true() {
  end=$(($(date +%s) + wait))
  while ! "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 1
  done
}

update() {
  NODE_URL=$1
  NODE_HOST=$(printf %s "$1" | sed 's,^[a-z]*://,,; s,/.*$,,; s,:[0-9]*$,,; s,^\[\(.*\)\]$,\1,')
  export NODE_URL NODE_HOST
  for other in $nodes; do
    until_true is_whole "$other" "$total" || fail "$other does not see $total nodes alive: stopped"
  done
  before=$(started "$1")
  [ -n "$before" ] || fail "$1 does not say since when it runs: stopped"
  echo "updating $NODE_HOST"
  sh -c "$command" || fail "the command failed on $NODE_HOST: stopped"
  if ! until_true is_back "$1" "$total" "$before"; then
    [ "$(started "$1")" != "$before" ] ||
      fail "the old process still runs on $NODE_HOST after $wait s, its log says why: stopped"
    fail "$NODE_HOST is not back after $wait s: stopped"
  fi
  echo "$NODE_HOST is back"
}

nodes=$*
total=$#
leader=
for url in $nodes; do
  [ -n "$(ask "$url" cluster/status)" ] || fail "$url does not answer: nothing was touched"
  if leads "$url"; then leader=$url; fi
done
[ -n "$leader" ] || fail "no node leads: nothing was touched"
for url in $nodes; do
  [ "$url" = "$leader" ] || update "$url"
done
update "$leader"
echo "all $total nodes are updated"
