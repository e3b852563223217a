#!/bin/bash
# Installs the Debian package into a clean root and runs it there as its user; prints what it saw.
# Usage: clean-root.sh ROOT PACKAGE, in mount, process and network namespaces of its own.
set -u
root=$1
package=$2

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind /dev "$root/dev"
ip link set lo up
echo '127.0.0.1 localhost' > "$root/etc/hosts"
cp "$package" "$root/tmp/opengslb.deb"
unset NODE_EXTRA_CA_CERTS

inside() { chroot "$root" "$@"; }
as_user() { inside setpriv --reuid opengslb --regid opengslb --init-groups "$@"; }
# As systemd starts a unit: the user, ambient capabilities and nothing to gain.
as_unit() {
  local capabilities=$1
  shift
  as_user --inh-caps="-all,$capabilities" --ambient-caps="-all,$capabilities" \
    --bounding-set="-all,$capabilities" --no-new-privs "$@"
}
running() {
  for _ in $(seq 150); do
    grep -q 'OpenGSLB running' "$1" && return
    sleep 0.2
  done
  echo "never ran:"
  cat "$1"
}
owner() { cat "$root/var/lib/opengslb/owner.pid"; }
ask() { dig @127.0.0.1 +short +tries=1 +time=2 app.example.test TXT "$@"; }

echo '== install'
inside dpkg -i /tmp/opengslb.deb > /tmp/install.log 2>&1 && echo installed || cat /tmp/install.log
inside getcap /usr/local/bin/opengslb
inside stat -c '%n %U:%G %a' /usr/local/bin/opengslb /etc/opengslb /var/lib/opengslb
chroot --userspec=nobody:nogroup "$root" /usr/local/bin/opengslb --version 2>&1

cat > "$root/etc/opengslb/config.yaml" <<'YAML'
dns:
  listen_address: ":53"
  zones: [{ name: example.test, records: [{ name: app, type: TXT, value: hello }] }]
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

echo '== by the capabilities of the file'
as_user /usr/local/bin/opengslb --config /etc/opengslb/config.yaml > /tmp/file.log 2>&1 &
running /tmp/file.log
grep -o 'front=[a-z]*\|by=[a-z]*' /tmp/file.log
ask
ask +tcp
as_user opengslb-cli status 2>&1 | head -1

echo '== replaced'
first=$(owner)
kill -USR2 "$first"
for _ in $(seq 150); do
  [ "$(owner)" != "$first" ] && ! kill -0 "$first" 2> /dev/null && break
  sleep 0.2
done
[ "$(owner)" != "$first" ] && echo 'another process'
ask
kill "$(owner)"
wait

echo '== the environment lets nothing in'
as_user env NODE_OPTIONS='--require /nonexistent.js' /usr/local/bin/opengslb --version

echo '== as opengslb-overwatch.service starts it'
as_unit +net_bind_service /usr/lib/opengslb/opengslb --mode overwatch \
  --config /etc/opengslb/config.yaml > /tmp/unit.log 2>&1 &
running /tmp/unit.log
ask
grep CapEff "/proc/$(owner)/status"
kill "$(owner)"
wait

echo '== as opengslb-agent.service starts it'
as_unit +net_admin timeout -k 5 30 /usr/lib/opengslb/opengslb --mode agent \
  --config /etc/opengslb/agent.yaml > /tmp/agent.log 2>&1 &
running /tmp/agent.log
grep -o 'latency learning began.*ends=[a-z]*' /tmp/agent.log
kill %% 2> /dev/null
wait

echo '== removed'
inside dpkg --purge opengslb > /dev/null 2>&1 && echo purged
ls -d "$root/usr/lib/opengslb" "$root/var/lib/opengslb" 2>&1 | grep -c 'No such'
