#!/bin/sh
# `tc` inside a host of a lab: the one thing that demos ask of it, a delay of what the host sends,
# done by the line itself, since not every kernel has netem.
case "$*" in
  'qdisc replace dev eth0 root netem delay '*ms) ;;
  *)
    echo "tc of a lab: only qdisc replace dev eth0 root netem delay Nms" >&2
    exit 2
    ;;
esac
for word; do last=$word; done
echo "${last%ms}" > /run/lab-line
