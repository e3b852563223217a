#!/bin/bash
# Runs what npm has installed into a clean root, as a user of its own; prints what it saw.
# Usage: clean-root-npm.sh ROOT, in mount, process and network namespaces of its own. ROOT holds
# node in /usr/local/bin and the package in /usr/local/lib/node_modules, and nothing else of ours.
set -u
root=$1
program=/usr/local/lib/node_modules/opengslb/dist/opengslb.js

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind /dev "$root/dev"
ip link set lo up
echo '127.0.0.1 localhost' > "$root/etc/hosts"
unset NODE_EXTRA_CA_CERTS

inside() { chroot "$root" "$@"; }
# As systemd starts a unit: the user, ambient capabilities and nothing to gain.
as_unit() {
  local capabilities=$1
  shift
  inside setpriv --reuid opengslb --regid opengslb --init-groups \
    --inh-caps="-all,$capabilities" --ambient-caps="-all,$capabilities" \
    --bounding-set="-all,$capabilities" --no-new-privs "$@"
}
running() {
  for _ in $(seq 300); do
    grep -q 'OpenGSLB running' "$1" && return
    sleep 0.2
  done
  echo "never ran:"
  cat "$1"
}
owner() { cat "$root/var/lib/opengslb/owner.pid"; }
ask() { dig @127.0.0.1 +short +tries=1 +time=2 app.example.test TXT "$@"; }

inside id opengslb > /dev/null 2>&1 ||
  inside useradd --system --home-dir /var/lib/opengslb --shell /usr/sbin/nologin opengslb
inside install -d -o opengslb -g opengslb -m 0750 /var/lib/opengslb
inside install -d -o root -g opengslb -m 0750 /etc/opengslb

echo '== npm: installed'
inside /usr/local/bin/opengslb --version
inside /usr/local/bin/opengslb-cli --help | grep -o Usage
inside getcap /usr/local/bin/node | grep -c .

cat > "$root/etc/opengslb/config.yaml" <<'YAML'
dns:
  listen_address: ":53"
  zones: [{ name: example.test, records: [{ name: app, type: TXT, value: hello }] }]
overwatch: { data_dir: /var/lib/opengslb }
api: { enabled: true, address: 127.0.0.1:8080 }
metrics: { enabled: false }
logging: { level: info, format: text }
YAML
cat > "$root/etc/opengslb/agent.yaml" <<'YAML'
agent:
  identity: { service_token: "a-token-of-sixteen-chars", region: eu, cert_path: /var/lib/opengslb/a.crt, key_path: /var/lib/opengslb/a.key }
  backends: [{ service: web, address: 127.0.0.1, port: 80, health_check: { type: tcp } }]
  gossip: { encryption_key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", overwatch_nodes: ["127.0.0.1:7946"], bind_address: "127.0.0.1:0" }
  latency_learning: { enabled: true }
metrics: { enabled: false }
logging: { level: info, format: text }
YAML
inside chown root:opengslb /etc/opengslb/config.yaml /etc/opengslb/agent.yaml
chmod 0640 "$root"/etc/opengslb/*.yaml

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
