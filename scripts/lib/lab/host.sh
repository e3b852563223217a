#!/bin/sh
# The inside of one host of a lab: a root of its own over that of the machine, then its command.
# Usage: host.sh FOLDER PROJECT VOLUMES COMMAND…, in mount and process namespaces of its own.
# VOLUMES is a file with lines "FROM TO ro|rw".
set -eu
folder=$1
project=$2
volumes=$3
shift 3

mount --make-rprivate /
hostname "$HOSTNAME"
mkdir -p "$folder/layer"
mount -t tmpfs tmpfs "$folder/layer"
mkdir "$folder/layer/upper" "$folder/layer/work" "$folder/layer/root"
root=$folder/layer/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys" 2> /dev/null || true
# Version 2 of control groups where it is the only one, else the two of version 1 that count.
if ! mount -t cgroup -o cpuacct cgroup "$root/sys/fs/cgroup" 2> /dev/null; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2> /dev/null || true
else
  umount "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  for controller in cpu cpuacct; do
    mkdir "$root/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "$root/sys/fs/cgroup/$controller"
  done
fi
for place in run tmp var/lib var/log/nginx; do
  mkdir -p "$root/$place"
  mount -t tmpfs -o mode=1777 tmpfs "$root/$place"
done
mkdir -p "$root/opt/opengslb" "$root/etc/opengslb" "$root/var/lib/nginx" "$root/var/lib/opengslb"
mount --bind "$project" "$root/opt/opengslb"
# What the image puts at its root: start scripts, and the program by its name.
cp -r "$project/deploy/docker/root/." "$root/"
cp "$project"/deploy/scripts/* "$root/usr/local/bin/"
for tool in opengslb:dist/opengslb.js opengslb-cli:dist/cli/main.js; do
  printf '#!/bin/sh\nexec node /opt/opengslb/%s "$@"\n' "${tool#*:}" > "$root/usr/local/bin/${tool%%:*}"
  chmod 755 "$root/usr/local/bin/${tool%%:*}"
done
if [ -p "$folder/line" ]; then
  for tool in tc slow-to; do cp "$project/scripts/lib/lab/$tool.sh" "$root/usr/local/bin/$tool"; done
fi
while read -r from to mode; do
  if [ -d "$from" ]; then mkdir -p "$root/$to"; else mkdir -p "$root/$(dirname "$to")"; touch "$root/$to"; fi
  mount --bind "$from" "$root/$to"
  if [ "$mode" = ro ]; then mount -o remount,bind,ro "$root/$to"; fi
done < "$volumes"
exec chroot "$root" /usr/bin/env -- "$@"
