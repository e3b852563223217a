# Sourced by the scripts that run a package in a clean root: ROOT in $root, namespaces of its own.
# shellcheck shell=bash

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind /dev "$root/dev"
ip link set lo up
echo '127.0.0.1 localhost' > "$root/etc/hosts"
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
  for _ in $(seq 300); do
    grep -q 'OpenGSLB running' "$1" && return
    sleep 0.2
  done
  echo "never ran:"
  cat "$1"
}
owner() { cat "$root/var/lib/opengslb/owner.pid"; }
ask() { dig @127.0.0.1 +short +tries=1 +time=2 app.example.test TXT "$@"; }

# What an overwatch and an agent read.
configure() {
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
}
