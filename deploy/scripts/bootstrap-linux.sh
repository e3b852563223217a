#!/bin/bash
# Sets up an overwatch or an agent on Debian or Ubuntu, from a package file.
#
# Exit codes: 0 done, 1 wrong system, 2 wrong command line, 3 package or checksum, 4 configuration
# refused, 5 not running in the end.
set -u

role=
package=
sha256=
overwatch_ip=
region=
service_token=
gossip_key=
service_name=web
backend_port=80
zone=
node_id=$(hostname)
skip_start=false
verbose=false

usage() {
  cat << 'TEXT'
usage: bootstrap-linux.sh --role overwatch|agent --package FILE-OR-URL [flags]
  --sha256 HEX          of the package; required for a URL
  --region NAME         default: that of the cloud, else "default"
  --service-token TEXT  16 characters or more, the same on agents and overwatches
  --gossip-key BASE64   32 bytes: openssl rand -base64 32
  --service-name NAME   what an agent's server belongs to (default web)
  --backend-port PORT   of the server beside an agent (default 80)
  --overwatch-ip LIST   agents: overwatches, separated by commas
  --zone NAME           overwatch: the zone it serves
  --node-id NAME        overwatch: its name (default the host's)
  --skip-start          installs and configures, starts nothing
  --verbose             says what it does
TEXT
}

fail() {
  echo "bootstrap: $2" >&2
  exit "$1"
}
say() { $verbose && echo "$*"; return 0; }

while [ $# -gt 0 ]; do
  case $1 in
    --skip-start) skip_start=true ;;
    --verbose) verbose=true ;;
    --help)
      usage
      exit 0
      ;;
    --role | --package | --sha256 | --overwatch-ip | --region | --service-token | --gossip-key | \
      --service-name | --backend-port | --zone | --node-id)
      [ $# -ge 2 ] || fail 2 "$1 needs a value"
      key=${1#--}
      printf -v "${key//-/_}" %s "$2"
      shift
      ;;
    *)
      usage >&2
      fail 2 "unknown flag $1"
      ;;
  esac
  shift
done

case $role in overwatch | agent) ;; *) fail 2 '--role is overwatch or agent' ;; esac
[ -n "$package" ] || fail 2 '--package is required'
[ ${#service_token} -ge 16 ] || fail 2 '--service-token has 16 characters or more'
[ "$(base64 -d <<< "$gossip_key" 2> /dev/null | wc -c)" = 32 ] || fail 2 '--gossip-key is 32 bytes in base64'
[ "$role" = overwatch ] || [ -n "$overwatch_ip" ] || fail 2 'an agent needs --overwatch-ip'
[ "$role" = agent ] || [ -n "$zone" ] || fail 2 'an overwatch needs --zone'
[ "$(id -u)" = 0 ] || fail 1 'needs root'
command -v dpkg > /dev/null || fail 1 'needs a system with dpkg'

# The region of the cloud, asked from inside it; a machine elsewhere gets no answer.
cloud_region() {
  curl -fs -m 2 -H Metadata:true --noproxy '*' \
    'http://169.254.169.254/metadata/instance/compute/location?api-version=2021-02-01&format=text' && return
  local token
  token=$(curl -fs -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
    http://169.254.169.254/latest/api/token) &&
    curl -fs -m 2 -H "X-aws-ec2-metadata-token: $token" \
      http://169.254.169.254/latest/meta-data/placement/region && return
  curl -fs -m 2 -H 'Metadata-Flavor: Google' \
    http://169.254.169.254/computeMetadata/v1/instance/zone | sed 's|.*/||; s|-[a-z]$||'
}
[ -n "$region" ] || region=$(cloud_region)
region=${region:-default}

file=$package
if [[ $package =~ ^https?:// ]]; then
  [ -n "$sha256" ] || fail 2 'a package from elsewhere needs --sha256'
  file=$(mktemp --suffix=.deb)
  curl -fsSL -o "$file" "$package" || fail 3 "$package cannot be fetched"
fi
[ -r "$file" ] || fail 3 "$file cannot be read"
if [ -n "$sha256" ]; then
  sha256sum -c - <<< "$sha256  $file" > /dev/null 2>&1 || fail 3 'the package has another checksum'
fi
say "installing $file"
dpkg -i "$file" > /dev/null || fail 3 'the package does not install'

config=/etc/opengslb/$role.yaml
umask 027
printf 'GOSSIP_KEY=%s\nSERVICE_TOKEN=%s\n' "$gossip_key" "$service_token" > /etc/opengslb/node.env
chmod 600 /etc/opengslb/node.env
if [ "$role" = overwatch ]; then
  cat > "$config" << YAML
mode: overwatch
dns: { listen_address: ":53", zones: [$zone] }
overwatch:
  identity: { node_id: "$node_id", region: $region }
  agent_tokens: { $service_name: "\${SERVICE_TOKEN}" }
  gossip: { bind_address: "0.0.0.0:7946", encryption_key: "\${GOSSIP_KEY}" }
  data_dir: /var/lib/opengslb
api: { enabled: true, address: "127.0.0.1:8080" }
metrics: { enabled: true, address: ":9090" }
logging: { level: info, format: text }
YAML
else
  nodes=$(sed 's/[^,][^,]*/"&:7946"/g' <<< "$overwatch_ip")
  cat > "$config" << YAML
mode: agent
agent:
  identity:
    service_token: "\${SERVICE_TOKEN}"
    region: $region
    cert_path: /var/lib/opengslb/agent.crt
    key_path: /var/lib/opengslb/agent.key
  backends:
    - { service: $service_name, address: 127.0.0.1, port: $backend_port, health_check: { type: tcp } }
  gossip: { encryption_key: "\${GOSSIP_KEY}", overwatch_nodes: [$nodes] }
  latency_learning: { enabled: true }
metrics: { enabled: false }
logging: { level: info, format: text }
YAML
fi
chown root:opengslb "$config"

checked=$(GOSSIP_KEY=$gossip_key SERVICE_TOKEN=$service_token \
  /usr/lib/opengslb/opengslb --config "$config" --check 2>&1) || fail 4 "$checked"
say "$checked"
$skip_start && exit 0
[ -d /run/systemd/system ] || fail 5 'no systemd runs here; start it by hand'
systemctl enable --now "opengslb-$role" || fail 5 "opengslb-$role does not start; see its journal"
touch /run/opengslb-ready
echo "opengslb-$role runs, in region $region"
