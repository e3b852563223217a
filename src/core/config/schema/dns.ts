/**
 * `dns`: the listener, what holds for every name, and the zones this node is an authority for.
 */
import { limits } from '../../base/limits.ts'
import { key, keys, list, listOf, optional, orShort, required, section } from '../keys.ts'
import { cookieSecret } from '../kinds/cookie-secret.ts'
import { orEmpty } from '../kinds/kind.ts'
import { contact, dnsName, ipAddress, listenAddress, network } from '../kinds/network.ts'
import { bool, duration, integer, ttl } from '../kinds/numbers.ts'
import { filePath, oneOf, recordText, text } from '../kinds/texts.ts'
import { whenAllDownWords, routingAlgorithm } from './words.ts'

const MAX_U32 = 4_294_967_295
const MAX_I31 = 2_147_483_647

const soa = section('The start of authority (RFC 1035 section 3.3.13).', {
  primary: key(orEmpty(dnsName), '', 'Primary name server; empty means the first of the zone.'),
  contact: key(orEmpty(contact), '', 'Mail address; empty means hostmaster at the zone.'),
  ttl: key(integer(0, MAX_I31, 'seconds'), '300', 'TTL of the record.'),
  refresh: key(integer(0, MAX_I31, 'seconds'), '3600', 'Seconds between polls of secondaries.'),
  retry: key(integer(0, MAX_I31, 'seconds'), '600', 'Seconds until a failed poll is repeated.'),
  expire: key(integer(0, MAX_I31, 'seconds'), '1209600', 'Seconds a copy stays good.'),
  minimum: key(
    integer(0, 86_400, 'seconds'),
    '60',
    'How long negative answers are cached (RFC 2308); short, since names may gain servers.',
  ),
  serial: optional(
    integer(0, MAX_U32),
    '',
    'Serial number; absent means one that grows with every change.',
  ),
})

const record = keys({
  name: required(text(1_024, 1), 'Owner name, relative to the zone; "@" is the zone itself.'),
  type: required(text(16, 1), 'Type: A, AAAA, NS, TXT, MX, CAA, SRV, CNAME, … or TYPE123.'),
  ttl: optional(integer(0, MAX_I31, 'seconds'), '', 'TTL; absent means dns.default_ttl.'),
  value: optional(recordText, '', 'Data as in a zone file; one of `value` and `values`.'),
  values: list(recordText, [], 'Several data under one name and type.'),
})

const zone = keys({
  name: required(dnsName, 'The apex.'),
  file: key(orEmpty(filePath), '', 'Zone file (RFC 1035), relative to the file that names it.'),
  records: listOf(record, 'Static records beside the steered names.'),
  name_servers: listOf(
    keys({
      name: required(dnsName, 'Name of the server.'),
      addresses: list(ipAddress, [], 'Its addresses: glue, when its name lies in the zone.'),
    }),
    'Name servers of the zone; without any, ns1 of the zone is made up from listen_address.',
  ),
  soa,
})

const cookies = section('DNS cookies (RFC 7873), made as RFC 9018 says.', {
  enabled: key(bool, 'true', 'Answer the cookies of clients; a good one is never rate-limited.'),
  require: key(
    bool,
    'false',
    'Give clients that know cookies no answer over UDP before they send a good one.',
  ),
  secret: key(
    cookieSecret,
    '',
    'Secret of 16 bytes, the same on every server of the service; empty draws one at each start.',
    { secret: true },
  ),
  previous_secret: key(
    cookieSecret,
    '',
    'A second secret whose cookies are believed, for changing secrets one server at a time.',
    { secret: true },
  ),
})

const rateLimit = section('Response rate limiting, for each client network and kind of answer.', {
  enabled: key(bool, 'true', 'Hold back replies over UDP past the rate.'),
  responses_per_second: key(
    integer(limits.rateResponses.min, limits.rateResponses.max),
    '200',
    'Replies of one kind a second to one network; as many may come at once.',
  ),
  slip: key(
    integer(limits.rateSlip.min, limits.rateSlip.max),
    '2',
    'Each so many-th reply held back is sent truncated, which calls for TCP; 0 drops all.',
  ),
  window: key(duration('1s', '1h'), '15s', 'How long a flood is remembered after it ends.'),
  ipv4_prefix: key(integer(8, 32, 'bits'), '24', 'Bits of an IPv4 address that make a network.'),
  ipv6_prefix: key(integer(16, 128, 'bits'), '56', 'Bits of an IPv6 address that make a network.'),
  exempt_networks: list(
    network,
    [],
    'Networks whose clients are never held back; loopback always is one.',
  ),
})

export const dns = section('The DNS listener and its zones.', {
  listen_address: key(listenAddress, ':53', 'Where queries are heard, over UDP and TCP.', {
    restart: true,
  }),
  threads: key(
    integer(0, limits.dnsThreads.max),
    '0',
    'Threads that answer; 0 means one less than the machine has cores, at most 16.',
    { restart: true },
  ),
  cpus: list(
    integer(0, 1_023, 'CPU number'),
    [],
    'CPUs the threads are pinned to, in order and again from the first; empty pins none.',
    { restart: true },
  ),
  nice: key(
    integer(-20, 0),
    '-5',
    'Nice steps by which the threads that answer go before the others of the process, where the ' +
      'system permits it (root, CAP_SYS_NICE, or LimitNICE= of systemd). 0 treats all alike.',
    { restart: true },
  ),
  realtime: key(
    bool,
    'true',
    'A thread that answers goes before all others of its CPU while it has time to spare ' +
      '(SCHED_RR), where the system permits it (root, CAP_SYS_NICE, or LimitRTPRIO= of systemd). ' +
      'While it has none, `dns.nice` holds.',
    { restart: true },
  ),
  batch_size: key(
    integer(limits.dnsBatch.min, limits.dnsBatch.max),
    '32',
    'Datagrams read and answered at a time.',
    { restart: true },
  ),
  default_ttl: key(ttl, '60', 'TTL of names and records that give none.'),
  default_routing_algorithm: key(
    routingAlgorithm,
    'round-robin',
    'Algorithm of domains that give none, and of services served without a domain.',
  ),
  default_answers: key(
    integer(1, limits.answersMax.default),
    '1',
    'Records an answer holds, best first, where a domain does not say.',
  ),
  when_all_down: key(
    oneOf(whenAllDownWords),
    'servfail',
    'What a name answers when none of its servers may be served.',
  ),
  return_last_healthy: key(
    bool,
    'false',
    'Older spelling of `when_all_down: last_healthy`; `when_all_down` wins.',
  ),
  udp_payload_size: key(
    integer(512, 4_096, 'bytes'),
    '1232',
    'Largest UDP answer, and the size told in EDNS; 1232 never needs fragments.',
  ),
  nsid: key(text(255), '', 'Name servers identify themselves by (RFC 5001); empty turns it off.'),
  version_string: key(text(255), '', 'Answer to CH TXT version.bind; empty refuses it.'),
  why_networks: list(
    network,
    [],
    'Networks that TXT why.<name> of class CH is told to; loopback always is one.',
  ),
  samples: section('Samples of answers: what explain, plan, rehearse and capsules work on.', {
    per_second: key(
      integer(limits.samplesPerSecond.min, limits.samplesPerSecond.max),
      '100',
      'Samples a second of each thread, at most; 0 takes none.',
    ),
  }),
  cookies,
  rate_limit: rateLimit,
  tcp: section('Connections over TCP (RFC 7766).', {
    max_connections: key(integer(1, 65_535), '1024', 'Connections open at once.', {
      restart: true,
    }),
    max_connections_per_client: key(
      integer(1, 65_535),
      '64',
      'Of those, from one address or IPv6 /64.',
      {
        restart: true,
      },
    ),
    idle_timeout: key(duration('100ms', '10m'), '10s', 'Silence after which one is closed.', {
      restart: true,
    }),
    max_pipelined: key(integer(1, 65_535), '128', 'Queries one may have unanswered.', {
      restart: true,
    }),
  }),
  zones: listOf(
    orShort('name', zone, 'A zone; its name alone is enough.'),
    'Zones this node is an authority for; without any, each domain is its own zone.',
  ),
})
