#!/bin/sh
# `slow-to` inside a host of a lab: told to the line, see tc.sh.
echo "$1 $2" > /run/lab-line
