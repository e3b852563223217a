/**
 * `overwatch.dnssec`: the signing of zones, the keys it is done with, and who shares them.
 */
import { limits } from '../../base/limits.ts'
import { key, list, section } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { endpoint } from '../kinds/network.ts'
import { bool, duration, integer } from '../kinds/numbers.ts'
import { gossipKey, httpUrl, oneOf, text } from '../kinds/texts.ts'

export const algorithmWords = [
  'ECDSAP256SHA256',
  'ECDSAP384SHA384',
  'ED25519',
  'RSASHA256',
  'RSASHA512',
] as const

export const dnssec = section('Signing of the zones of `dns.zones`.', {
  enabled: key(bool, 'true', 'Whether zones are signed; a domain outside of dns.zones never is.'),
  security_acknowledgment: key(
    text(),
    '',
    'Any sentence that says that answers without signatures are meant; needed to turn signing off.',
  ),
  algorithm: key(
    oneOf(algorithmWords),
    'ECDSAP256SHA256',
    'Algorithm of new keys; zones that have keys change to it by a rollover.',
  ),
  key_layout: key(
    oneOf(['csk', 'ksk_zsk'], { 'ksk-zsk': 'ksk_zsk' }),
    'csk',
    'One key for everything, or one that signs the keys and one that signs the rest.',
  ),
  key_secret: key(
    gossipKey,
    '',
    'What encrypts the keys at rest; empty makes a file of it, which only its owner may read.',
    { secret: true, restart: true },
  ),
  denial: key(
    oneOf(['nsec', 'nsec3', 'compact']),
    'nsec',
    'How it is proved that a name is not there: by names (NSEC), by hashes of them (NSEC3), or ' +
      'by one record signed when it is asked for (RFC 9824), for which DNS threads get keys.',
  ),
  compact_signatures: key(
    integer(0, limits.onlineSignaturesPerSecond.max),
    String(limits.onlineSignaturesPerSecond.default),
    'Of `compact`: signatures a second of each DNS thread; what is beyond is proved as by `nsec`.',
  ),
  dnskey_ttl: key(duration('1s', '7d'), '1h', 'TTL of the keys.'),
  signature_validity: key(duration('1h', '365d'), '14d', 'How long a signature holds.'),
  signature_refresh: key(
    duration('10m', '180d'),
    '7d',
    'How long before its end a signature is made anew: as long as signing may fail unnoticed.',
  ),
  signature_jitter: key(
    duration('0s', '30d'),
    '12h',
    'Over how long the ends of signatures that are made together are spread.',
  ),
  cds: key(bool, 'true', 'Whether CDS and CDNSKEY tell the parent zone of the keys (RFC 7344).'),
  cds_delete: key(
    bool,
    'false',
    'Whether CDS and CDNSKEY ask the parent to take every DS away instead (RFC 8078 section 4), ' +
      'before signing is turned off; the zones stay signed.',
  ),
  rollover: section('How keys are replaced (RFC 6781).', {
    zsk_lifetime: key(
      duration('0s', '3650d'),
      '90d',
      'Age at which a key that signs no keys is replaced; 0s leaves it to operators.',
    ),
    ksk_lifetime: key(
      duration('0s', '3650d'),
      '0s',
      'The same for a key that the parent has a DS of; 0s leaves it to operators.',
    ),
    safety: key(
      duration('0s', '7d'),
      '1h',
      'Added to every TTL: the way to all nodes, and clocks that differ.',
    ),
    parent_grace: key(
      duration('0s', '30d'),
      '1d',
      'How long the parent may take to publish what CDS asked for; old keys stay as long.',
    ),
    parent_servers: list(
      endpoint,
      [],
      'Name servers of the parent zone, which are asked for the DS; empty asks the resolver.',
    ),
    resolver: key(
      orEmpty(endpoint),
      '',
      'Resolver that finds the parent’s servers; empty means the first of /etc/resolv.conf.',
    ),
    parent_poll_interval: key(
      duration('0s', '1d'),
      '5m',
      'Time between two looks at the parent while a key waits for its DS; 0s never looks.',
    ),
  }),
  key_sync: section('Having all overwatches sign with the same keys.', {
    enabled: key(bool, 'true', 'Whether keys are shared; false refuses peers as well.'),
    peers: list(httpUrl, [], 'API addresses of the other overwatches.'),
    poll_interval: key(duration('1s', '30d'), '1h', 'Time between two looks at the peers.'),
    timeout: key(duration('100ms', '10m'), '30s', 'How long a peer may take.'),
    secret: key(
      orEmpty(text(4_096, 16)),
      '',
      'What peers prove to know. Empty takes `overwatch.peering.secret`, else the gossip key, ' +
        'which agents know too.',
      { secret: true },
    ),
    forget_after: key(
      duration('1h', '365d'),
      '14d',
      'Silence after which rollovers wait for a node no more.',
    ),
  }),
})
