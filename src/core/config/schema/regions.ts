/**
 * `regions` and `domains`: which servers there are, and which names they serve.
 */
import { limits } from '../../base/limits.ts'
import { key, keys, list, listOf, optional, required, section, structure } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { dnsName, host, ipAddress } from '../kinds/network.ts'
import { duration, fraction, integer, port, ttl, weight } from '../kinds/numbers.ts'
import { policyKind, readPolicy } from '../kinds/policy.ts'
import { continent, country, oneOf, subdivision, text, word } from '../kinds/texts.ts'
import { healthCheck } from './checks.ts'
import { routingAlgorithm, whenAllDownWords } from './words.ts'

export const serverKeys = keys({
  address: required(ipAddress, 'Its address; a name would hide which server is meant.'),
  port: key(port, '80', 'Port it serves on.'),
  weight: key(weight, '100', 'Share of traffic under `weighted`; 0 takes none.'),
  host: key(orEmpty(host), '', 'Host header and SNI of its checks.'),
  service: key(
    text(253),
    '',
    'Name of the domain it serves; empty means every domain that lists its region.',
  ),
  health_check: healthCheck('Its own check, overriding the region’s key by key.'),
})

export const regionKeys = keys({
  name: required(word, 'Its name.'),
  servers: listOf(serverKeys, 'Its servers; agents may fill a region that lists none.'),
  health_check: healthCheck('How its servers are checked.'),
  countries: list(country, [], 'Countries it serves (geolocation).'),
  continents: list(continent, [], 'Continents it serves (geolocation).'),
  subdivisions: list(
    subdivision,
    [],
    'Parts of countries it serves, before countries (geolocation with a city database).',
  ),
  asns: list(
    integer(1, 4_294_967_295),
    [],
    'Autonomous systems it serves, before countries (geolocation with an ASN database).',
  ),
  latitude: optional(
    fraction(-90, 90),
    '',
    'Where it stands, in degrees; the next region is the nearest one that has a position.',
  ),
  longitude: optional(fraction(-180, 180), '', 'Where it stands, in degrees.'),
})

export const domainKeys = keys({
  name: required(dnsName, 'The name served.'),
  routing_algorithm: optional(
    routingAlgorithm,
    '',
    'How one server is chosen; absent means dns.default_routing_algorithm.',
  ),
  policy: structure(
    policyKind,
    (input, tell) => readPolicy(input, routingAlgorithm, tell),
    'Instead of `routing_algorithm`: algorithms within tiers, splits and geofences; see the ' +
      'guide on policies.',
  ),
  regions: list(word, [], 'Regions whose servers of this service it serves, in order.'),
  ttl: optional(ttl, '', 'TTL of its answers; absent means dns.default_ttl.'),
  answers: optional(
    integer(1, limits.answersMax.default),
    '',
    'Records an answer holds, best first; absent means dns.default_answers.',
  ),
  when_all_down: optional(
    oneOf(whenAllDownWords),
    '',
    'What it answers when none may be served; absent means dns.when_all_down.',
  ),
  fallback_addresses: list(ipAddress, [], 'What `when_all_down: fallback` answers.'),
  hold_down: key(
    duration('0s', '24h'),
    '30s',
    'Under failover, how long a server must be healthy again before traffic returns to it.',
  ),
  bleed_floor: optional(
    fraction(0.01, 1),
    '',
    'Least part of its weight that it keeps however much its servers bleed; absent means ' +
      'overwatch.predictive.floor.',
  ),
  geofence: key(
    oneOf(['none', 'strict']),
    'none',
    'Under geolocation and learned_latency alone, whether clients may leave their region: `none` ' +
      'goes on to the next nearest when it has nobody to serve them, `strict` to when_all_down.',
  ),
  sticky: section('Clients that keep to a server, by any algorithm.', {
    by: key(
      oneOf(['none', 'client_prefix']),
      'none',
      'What tells clients apart: nothing, so that they take turns, or their network.',
    ),
    ipv4_prefix: key(integer(1, 32), '24', 'Bits of an IPv4 address that name a network.'),
    ipv6_prefix: key(integer(1, 128), '48', 'Bits of an IPv6 address that name a network.'),
    balance: key(
      fraction(1.05, 10),
      '1.25',
      'A server takes at most so much of its fair share of the answers; past it some of its ' +
        'clients go to the next server in their own order.',
    ),
  }),
  capacity: section('Shares that follow how hard machines work, as agents tell.', {
    by: key(oneOf(['none', 'cpu']), 'none', 'What is compared: nothing, or the processor in use.'),
    band: key(
      fraction(0.02, 0.5),
      '0.1',
      'How far above the mean of its pool a machine may work before it loses a part of its share.',
    ),
    step: key(fraction(0.01, 0.2), '0.05', 'The most of its share that moves at once.'),
    least: key(fraction(0.05, 1), '0.25', 'What a server keeps of its share, whatever it tells.'),
  }),
  latency_config: section('Latency algorithms.', {
    smoothing_factor: key(fraction(0.01, 1), '0.3', 'Weight of a new measurement.'),
    max_latency_ms: key(fraction(1, 60_000), '500', 'Slower servers are passed over.'),
    min_samples: key(integer(1, 1_000_000), '3', 'Measurements a server needs to count.'),
  }),
})

export const regions = listOf(regionKeys, 'Groups of servers.')
export const domains = listOf(domainKeys, 'Names that are steered.')
