/**
 * `cluster`: several nodes of which one, the leader, answers.
 *
 * Flags and the OPENGSLB_CLUSTER_… variables of the environment override these keys.
 */
import { key, list, section } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { endpoint, ipAddress, listenAddress } from '../kinds/network.ts'
import { bool, duration, integer, percent } from '../kinds/numbers.ts'
import { filePath, gossipKey, httpUrl, oneOf, text, word } from '../kinds/texts.ts'

export const cluster = section('Cluster mode: several nodes, of which the leader answers.', {
  mode: key(oneOf(['standalone', 'cluster']), 'standalone', 'Whether this node is one of many.', {
    restart: true,
  }),
  node_name: key(orEmpty(word), '', 'Its name; empty means the host name.', { restart: true }),
  bind_address: key(listenAddress, ':7000', 'Where the other nodes are heard.', { restart: true }),
  advertise_address: key(orEmpty(endpoint), '', 'Address told to them; empty means its own.', {
    restart: true,
  }),
  bootstrap: key(bool, 'false', 'Whether this node founds the cluster.', { restart: true }),
  join: list(endpoint, [], 'Members to join.', { restart: true }),
  anycast_vip: key(orEmpty(ipAddress), '', 'Address all nodes share.'),
  join_address: key(
    orEmpty(endpoint),
    '',
    'Where nodes that join and those that hear the pulse come; empty: the port after that of ' +
      'bind_address, or no pulse where engine is `external`.',
    { restart: true },
  ),
  force_new_cluster: key(
    bool,
    'false',
    'Makes this node the only member, with its data: for one start after a quorum was lost.',
    { restart: true },
  ),
  engine: key(
    oneOf(['embedded', 'external']),
    'embedded',
    'Whether each node runs a member of its own, or the nodes use an etcd cluster of others.',
    { restart: true },
  ),
  follower_dns: key(
    oneOf(['refuse', 'serve']),
    'refuse',
    'What a follower does with queries while a leader answers: refuse them, or answer too.',
    { restart: true },
  ),
  silence: key(
    duration('0s', '1m'),
    '10s',
    'How long queries get no reply, instead of REFUSED, while no leader is known to answer.',
    { restart: true },
  ),
  leave_on_stop: key(bool, 'false', 'Whether stopping the process leaves the cluster for good.', {
    restart: true,
  }),
  on_lost_lease: key(
    oneOf(['refuse', 'serve']),
    'refuse',
    'What a leader does whose lease ran out: refuse queries, or go on answering.',
    { restart: true },
  ),
  raft: section('Agreement between the nodes.', {
    data_dir: key(filePath, '/var/lib/opengslb/raft', 'Where its log is kept.', { restart: true }),
    heartbeat_timeout: key(
      duration('10ms', '1m'),
      '100ms',
      'Time between heartbeats; one of more than a fifth of election_timeout becomes a tenth.',
      { restart: true },
    ),
    election_timeout: key(
      duration('100ms', '10m'),
      '500ms',
      'Silence after which a new leader is elected.',
      { restart: true },
    ),
    snapshot_interval: key(
      duration('1s', '24h'),
      '120s',
      'Time between two snapshots saved beside the data, where something changed.',
      { restart: true },
    ),
    snapshot_threshold: key(
      integer(1, 10_000_000),
      '8192',
      'Changes after which the log is cut: etcd makes a snapshot of its own.',
      { restart: true },
    ),
    etcd_path: key(filePath, 'etcd', 'The program that is run: a path, or a name on PATH.', {
      restart: true,
    }),
    tls: section('TLS between the members; all three files or none.', {
      cert_file: key(orEmpty(filePath), '', 'Certificate, PEM.', { restart: true }),
      key_file: key(orEmpty(filePath), '', 'Its key, PEM.', { restart: true }),
      ca_file: key(orEmpty(filePath), '', 'Authorities of the other members, PEM.', {
        restart: true,
      }),
    }),
  }),
  external: section('The etcd cluster of others, where engine is `external`.', {
    endpoints: list(httpUrl, [], 'URLs of its client ports.', { restart: true }),
    username: key(orEmpty(word), '', 'Name to sign in with; empty for none.', { restart: true }),
    password: key(text(), '', 'Its password.', { restart: true, secret: true }),
    lease: key(duration('1s', '1m'), '2s', 'How long a leader that is gone still leads.', {
      restart: true,
    }),
    tls: section('TLS to its members.', {
      cert_file: key(orEmpty(filePath), '', 'Certificate of this node, PEM.', { restart: true }),
      key_file: key(orEmpty(filePath), '', 'Its key, PEM.', { restart: true }),
      ca_file: key(orEmpty(filePath), '', 'Authorities of the members, PEM.', { restart: true }),
    }),
  }),
  gossip: section('Membership.', {
    probe_interval: key(duration('100ms', '1m'), '1s', 'Time between two probes of members.'),
    probe_timeout: key(duration('10ms', '1m'), '500ms', 'How long a probed member may take.'),
    encryption_key: key(gossipKey, '', 'Key shared by all nodes; empty sends in the clear.', {
      secret: true,
      restart: true,
    }),
  }),
  overwatch: section('Checks from outside against what agents claim.', {
    external_check_interval: key(duration('100ms', '24h'), '30s', 'Time between two checks.'),
    veto_mode: key(
      oneOf(['strict', 'balanced', 'permissive']),
      'balanced',
      'How far checks from outside override claims.',
    ),
    veto_threshold: key(integer(1, 100), '3', 'Failures in a row before they do.'),
  }),
  predictive_health: section('Moving traffic away before a server fails, as agents tell.', {
    enabled: key(bool, 'false', 'Whether the nodes judge what agents tell of their machines.'),
    hysteresis: key(
      integer(0, 90),
      '10',
      'Percent of a threshold by which a value must fall below it to count as recovered.',
    ),
    bleed_duration: key(
      duration('0s', '1h'),
      '30s',
      'Time to take a share down, and to hold it after.',
    ),
    cpu: section('Processor load.', {
      threshold: key(percent, '80', 'Percent busy at which traffic starts to move away.'),
    }),
    memory: section('Memory in use.', {
      threshold: key(percent, '85', 'Percent used at which traffic starts to move away.'),
    }),
    error_rate: section('Failed checks, and errors of the application.', {
      threshold: key(percent, '5', 'Percent of errors at which traffic starts to move away.'),
      window: key(duration('1s', '1h'), '60s', 'The mean of what is told over this time counts.'),
    }),
  }),
})
