#!/bin/sh
# Demo 4: each client gets a server of its region. DEMO_PAUSE=0 waits for no key.
set -u
cd "$(dirname "$0")/.." || exit 1
. ../../docker/root/usr/local/lib/opengslb/demo-steps.sh

api() { docker exec client curl -s "http://172.28.0.10:8080/api/v1/$1"; }

from() {
  say "a client in $1"
  ASK="docker exec client dig @172.28.0.10 app.global.example.com +short +subnet=$1"
  expect 60 "$2" "$3"
}

step 'Networks that are mapped by hand, and those of the database'
from 10.50.100.50/32 'the Chicago office' '172.28.0.21'
from 10.60.1.1/32 'the Dallas office' '172.28.0.31'
from 172.16.50.50/32 'the London data centre' '172.28.0.51'
from 8.8.8.8/32 'North America' '172.28.0.11 172.28.0.12'
from 185.228.168.9/32 'Europe' '172.28.0.41 172.28.0.42'
from 1.1.1.1/32 'Australia' '172.28.0.61 172.28.0.62'
from 202.12.29.205/32 'Australia, another network' '172.28.0.61 172.28.0.62'
from 200.160.0.8/32 'South America, which us-east serves' '172.28.0.11 172.28.0.12'
from 192.0.2.1/32 'nowhere known: the default region' '172.28.0.11 172.28.0.12'
from 198.51.100.1/32 'nowhere known either' '172.28.0.11 172.28.0.12'

step 'What the API says of an address, and of the networks mapped by hand'
expect_text 'it is in us-chicago by hand' '"region": ?"us-chicago"' api 'geo/test?ip=10.50.100.50'
expect_text 'it is in eu-west by the database' '"region": ?"eu-west"' api 'geo/test?ip=185.228.168.9'
expect_text 'the London network is listed' '172\.16\.0\.0/12' api geo/mappings
say 'Demo 4 holds.'
