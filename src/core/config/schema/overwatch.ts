/**
 * `overwatch`: the node that answers DNS and decides what is healthy.
 */
import { key, keys, list, listOf, mapOf, required, section } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { endpoint, ipAddress, listenAddress, network } from '../kinds/network.ts'
import { bool, duration, fraction, integer, percentage, size } from '../kinds/numbers.ts'
import { filePath, gossipKey, oneOf, text, word } from '../kinds/texts.ts'
import { dnssec } from './dnssec.ts'

const gossip = section('Gossip with agents and other overwatches.', {
  bind_address: key(
    listenAddress,
    '0.0.0.0:7946',
    'Where gossip is heard; writing it without a key is an error.',
    { restart: true, absent: true },
  ),
  advertise_address: key(orEmpty(endpoint), '', 'Address told to others; empty means its own.', {
    restart: true,
  }),
  encryption_key: key(
    gossipKey,
    '',
    'Key shared by all nodes; empty turns gossip off. Turning it on or off needs a restart.',
    { secret: true },
  ),
  keyring: list(gossipKey, [], 'Further keys that open messages, while the key is being changed.', {
    secret: true,
  }),
  allow_unsigned_agents: key(
    bool,
    'false',
    'Whether agents that sign nothing, as those of the Go program, are believed.',
  ),
  probe_interval: key(duration('100ms', '1m'), '1s', 'Time between two probes of members.', {
    restart: true,
  }),
  probe_timeout: key(duration('10ms', '1m'), '500ms', 'How long a probed member may take.', {
    restart: true,
  }),
  gossip_interval: key(duration('10ms', '1m'), '200ms', 'Time between two rounds of gossip.', {
    restart: true,
  }),
  allowed_backends: list(
    network,
    [],
    'Networks agents may announce; empty means all but loopback, link-local and multicast.',
  ),
})

export const mappingKeys = keys({
  cidr: required(network, 'Network of clients; the longest match wins.'),
  region: required(word, 'Region they belong to.'),
  comment: key(text(), '', 'For people.'),
})

const geolocation = section('Where clients are.', {
  database_path: key(
    orEmpty(filePath),
    '',
    'MaxMind or DB-IP country or city database (.mmdb); custom mappings work without it.',
  ),
  asn_database_path: key(
    orEmpty(filePath),
    '',
    'MaxMind or DB-IP ASN database (.mmdb), for regions that list `asns`.',
  ),
  check_interval: key(
    duration('1s', '30d'),
    '1m',
    'How often it is looked whether a database file was replaced.',
  ),
  default_region: key(orEmpty(word), '', 'Region of clients nothing else places.'),
  ecs_enabled: key(bool, 'true', 'Whether the client subnet option (RFC 7871) is believed.'),
  ecs_trusted_networks: list(
    network,
    [],
    'Resolvers whose client subnet option is believed; empty means everybody.',
  ),
  custom_mappings: listOf(mappingKeys, 'Networks whose region is known.'),
})

const peering = section('State shared between overwatches on a port of its own.', {
  enabled: key(bool, 'false', 'Whether a separate port is used; gossip carries it otherwise.', {
    restart: true,
  }),
  bootstrap_peers: list(endpoint, [], 'Overwatches to start from.'),
  bind_address: key(listenAddress, ':7947', 'Where peers are heard.', { restart: true }),
  secret: key(
    text(),
    '',
    'Secret of overwatches among themselves; empty derives it from all agent tokens, which an ' +
      'agent can do too where there is one.',
    { secret: true },
  ),
  sync: section('What is shared.', {
    backend_registry: key(bool, 'true', 'Backends and their state.'),
    api_edits: key(
      bool,
      'true',
      'Domains, servers, regions and networks that the API made or edited, on every overwatch.',
    ),
    latency_data: key(bool, 'true', 'Learned latencies.'),
    dnssec_keys: key(bool, 'true', 'Signing keys.'),
  }),
})

export const overwatch = section('The overwatch: answers DNS and decides what is healthy.', {
  identity: section('Who the node is.', {
    node_id: key(orEmpty(word), '', 'Its name; empty means the host name.', { restart: true }),
    region: key(orEmpty(word), '', 'Region it stands in.', { restart: true }),
  }),
  agent_tokens: mapOf(text(4_096, 1), 'Service to the token that admits its agents.', {
    secret: true,
  }),
  gossip,
  validation: section('Checks of what agents claim.', {
    enabled: key(bool, 'true', 'Whether the overwatch checks backends itself.'),
    ca_file: key(
      orEmpty(filePath),
      '',
      'Certificates (PEM) of further authorities that https checks trust.',
      { restart: true },
    ),
    source_addresses: list(
      ipAddress,
      [],
      'Local addresses checks leave from, one of each family at most; else the system’s choice.',
      { restart: true },
    ),
    check_interval: key(duration('100ms', '24h'), '30s', 'Time between two checks.'),
    check_timeout: key(
      duration('10ms', '10m'),
      '5s',
      'How long a check may take; an agent may ask for more, up to `check_interval`.',
    ),
    veto_mode: key(
      oneOf(['strict', 'balanced', 'permissive']),
      'balanced',
      'What checks may do to the word of an agent: `strict` and `balanced` overrule it (under ' +
        '`balanced` its newer word stands until it is checked), `permissive` believes it while ' +
        'it is heard.',
    ),
    veto_threshold: key(
      integer(1, 100),
      '3',
      'Failures in a row that overrule an agent under `balanced`, if its own check asks for fewer.',
    ),
    quorum: key(
      integer(0, 99),
      '0',
      'Overwatches that must call a backend down before it is; 0 and 1 leave it to each alone.',
    ),
  }),
  predictive: section('What the load that agents see may do to a pool.', {
    floor: key(
      fraction(0.01, 1),
      '0.5',
      'Least part of its weight that a pool keeps however many of its servers bleed; above it, ' +
        'a server whose share reached 0 takes no traffic.',
    ),
  }),
  stale: section('Backends whose agent fell silent.', {
    threshold: key(duration('100ms', '24h'), '30s', 'Silence after which a backend is stale.'),
    remove_after: key(duration('1s', '3650d'), '5m', 'Silence after which it is forgotten.'),
    on_silence: key(
      oneOf(['keep_if_probed', 'withdraw']),
      'keep_if_probed',
      'Whether a stale backend stays while checks of the overwatch pass.',
    ),
  }),
  dnssec,
  geolocation,
  data_dir: key(filePath, '/var/lib/opengslb', 'Where state is kept; one process owns it.', {
    restart: true,
  }),
  guard_rail: section('A brake on changes that would empty a pool.', {
    enabled: key(
      bool,
      'true',
      'Whether the brake is on; off, it lets go of what it held. Confirmed verdicts always pass.',
    ),
    max_withdrawn_share: key(
      fraction(0, 1),
      '0.5',
      'Largest share of the serving servers of a pool that one override may take out, or one ' +
        'reload before the new servers it brings have a verdict.',
    ),
  }),
  event_log: section('The record of changes.', {
    retention: key(duration('1m', '3650d'), '24h', 'How long changes are kept.', {
      restart: true,
    }),
    max_size: key(size('1MB', '1TB'), '1GB', 'How much room they may take.', { restart: true }),
  }),
  learned_latency: section('Round-trip times that agents learn of their clients.', {
    persist: key(bool, 'true', 'Whether they are kept in `data_dir` through a restart.', {
      restart: true,
    }),
    catchments: key(
      bool,
      'true',
      'Whether it is learned which networks are behind resolvers that send no client subnet.',
      { restart: true },
    ),
    exploration: key(
      percentage,
      '1',
      'Percent of the minutes in which a network may be sent to a region that could be better; ' +
        '0 turns it off.',
    ),
  }),
  peering,
})
