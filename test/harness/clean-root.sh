#!/bin/bash
# Installs the Debian package into a clean root and runs it there as its user; prints what it saw.
# Usage: clean-root.sh ROOT PACKAGE, in mount, process and network namespaces of its own.
set -u
root=$1
package=$2

. "$(dirname "$0")/clean-root-lib.sh"
cp "$package" "$root/tmp/opengslb.deb"

echo '== install'
inside dpkg -i /tmp/opengslb.deb > /tmp/install.log 2>&1 && echo installed || cat /tmp/install.log
inside getcap /usr/local/bin/opengslb
inside stat -c '%n %U:%G %a' /usr/local/bin/opengslb /etc/opengslb /var/lib/opengslb
chroot --userspec=nobody:nogroup "$root" /usr/local/bin/opengslb --version 2>&1

configure

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
