/**
 * `agent`: the process beside an application.
 *
 * What agent mode requires of these keys is checked in core/config/rules/modes.ts, since the same
 * file may also be read in overwatch mode.
 */
import { fail, ok } from '../../base/result.ts'
import { key, keys, list, listOf, required, section } from '../keys.ts'
import { type Kind, kindOf, orEmpty } from '../kinds/kind.ts'
import { advertised, endpoint, host, ipAddress, listenAddress } from '../kinds/network.ts'
import { bool, clamped, duration, fraction, integer } from '../kinds/numbers.ts'
import { percent, port, weight } from '../kinds/numbers.ts'
import { filePath, gossipKey, text, word } from '../kinds/texts.ts'
import { healthCheck } from './checks.ts'

const backend = keys({
  service: required(text(253, 1), 'Service it belongs to: the name of a domain, or one label.'),
  address: required(host, 'Where the agent checks it.'),
  advertise_address: key(
    orEmpty(ipAddress),
    '',
    'Address that answers hold; empty means `address`, or, when that is loopback, the agent’s own.',
  ),
  port: required(port, 'Port it serves on.'),
  weight: key(weight, '100', 'Share of traffic under `weighted`; 0 takes none.'),
  health_check: healthCheck('How the agent checks it.'),
})

const discovery = section('Finding overwatches by an anycast address.', {
  enabled: key(bool, 'false', 'Whether to look for overwatches at the anycast address.'),
  anycast_address: key(orEmpty(endpoint), '', 'The anycast address of the overwatches.'),
  fallback_nodes: list(endpoint, [], 'Overwatches to try when the anycast address is silent.'),
})

const bleed = duration('0s', '1h')

const metricsUrl: Kind<string> = kindOf({
  name: 'URL',
  allowed: 'http:// or https://',
  json: { type: 'string', pattern: '^https?://' },
  read: (written) =>
    written.length <= 2_048 && /^https?:\/\/[^\s/?#]+(?:[/?#]\S*)?$/.test(written)
      ? ok(written)
      : fail('is not the address of a page'),
})

const errorSource = section('The application’s own count of errors, beside the failed checks.', {
  url: key(orEmpty(metricsUrl), '', 'Metrics page of the application.'),
  log: key(orEmpty(filePath), '', 'Log file whose new lines are counted, instead of a page.'),
  errors: key(
    text(512),
    '',
    'Counter of errors, such as `http_requests_total{code=~"5.."}`; for a log, text of its lines.',
  ),
  total: key(
    text(512),
    '',
    'Counter of everything; for a log, text of the lines that count, and empty means all.',
  ),
})

const readingsWindow = duration('100ms', '1h')
const predictive = section('Moving traffic away before a server fails.', {
  enabled: key(bool, 'false', 'Whether CPU, memory and errors shape the share of traffic.'),
  report_only: key(
    bool,
    'false',
    'Whether they are only told: overwatches judge them, and thresholds here move nothing.',
  ),
  check_interval: key(duration('100ms', '1h'), '10s', 'Time between two readings.'),
  hysteresis: key(
    integer(0, 90),
    '10',
    'Percent of a threshold by which a value must fall below it to count as recovered.',
  ),
  cgroup: key(
    orEmpty(filePath),
    '',
    'Folder of the cgroup to read; empty means the agent’s own, or the machine without limits.',
  ),
  cpu: section('Processor load.', {
    threshold: key(percent, '80', 'Percent busy at which traffic starts to move away.'),
    window: key(readingsWindow, '30s', 'The mean over this time is what counts.'),
    bleed_duration: key(bleed, '30s', 'Time to take the share down, and to hold it after.'),
  }),
  memory: section('Memory in use.', {
    threshold: key(percent, '85', 'Percent used at which traffic starts to move away.'),
    window: key(readingsWindow, '30s', 'The mean over this time is what counts.'),
    bleed_duration: key(bleed, '30s', 'Time to take the share down, and to hold it after.'),
  }),
  error_rate: section('Failed checks.', {
    threshold: key(percent, '5', 'Percent of checks in the window that failed.'),
    window: key(duration('1s', '1h'), '60s', 'The window errors are counted in.'),
    bleed_duration: key(bleed, '30s', 'Time to take the share down, and to hold it after.'),
    source: errorSource,
  }),
})

const latencyLearning = section('Learning round-trip times from clients’ own connections.', {
  enabled: key(bool, 'false', 'Whether round-trip times are read from the kernel.'),
  poll_interval: key(duration('100ms', '1h'), '10s', 'Time between two readings.'),
  min_connection_age: key(
    duration('0s', '1h'),
    '5s',
    'Connections younger than this are passed over while they are open.',
  ),
  report_interval: key(duration('100ms', '1h'), '30s', 'Time between two reports.'),
  // RFC 7871 section 11.1: longer ones tell who it is, and no resolver asks for more.
  ipv4_prefix: key(
    clamped(8, 24, 1, 32),
    '24',
    'Length of the networks IPv4 clients are grouped into.',
  ),
  ipv6_prefix: key(
    clamped(16, 56, 1, 128),
    '48',
    'Length of the networks IPv6 clients are grouped into.',
  ),
  ewma_alpha: key(fraction(0.01, 1), '0.3', 'Weight of a new sample in the moving average.'),
  min_samples: key(integer(1, 1_000_000), '5', 'Samples a network needs before it is reported.'),
  max_subnets: key(integer(1, 10_000_000), '100000', 'Networks remembered at most.'),
  subnet_ttl: key(duration('1m', '3650d'), '168h', 'How long a silent network is remembered.'),
})

export const agent = section('The agent: checks local backends and reports to overwatches.', {
  identity: section('Who the agent is.', {
    service_token: key(
      orEmpty(text(4_096, 16)),
      '',
      'Shared secret that admits the agent; required in agent mode.',
      { secret: true, restart: true },
    ),
    region: key(orEmpty(word), '', 'Region of its backends.', { restart: true }),
    cert_path: key(filePath, '/var/lib/opengslb/agent.crt', 'Its certificate, made when absent.', {
      restart: true,
    }),
    key_path: key(filePath, '/var/lib/opengslb/agent.key', 'Its private key, made when absent.', {
      restart: true,
    }),
  }),
  backends: listOf(backend, 'What it checks and reports; at least one in agent mode.'),
  drain_file: key(
    orEmpty(filePath),
    '',
    'While this file exists all backends of the agent are draining; empty turns it off.',
  ),
  count_clients: key(
    bool,
    'true',
    'Whether the clients of draining backends are counted in the kernel’s TCP table.',
  ),
  gossip: section('How it reaches the overwatches.', {
    encryption_key: key(gossipKey, '', 'Key shared by all nodes; required in agent mode.', {
      secret: true,
    }),
    keyring: list(
      gossipKey,
      [],
      'Further keys that open messages, while the key is being changed.',
      { secret: true },
    ),
    advertise_address: key(
      orEmpty(advertised),
      '',
      'Address told to others, with a port or without; empty means how overwatches are reached.',
      { restart: true },
    ),
    overwatch_nodes: list(endpoint, [], 'The overwatches; at least one in agent mode.'),
    bind_address: key(listenAddress, '0.0.0.0:0', 'Where it hears gossip; port 0 takes any.', {
      restart: true,
    }),
    discovery,
  }),
  heartbeat: section('Its sign of life.', {
    interval: key(duration('100ms', '1h'), '10s', 'Time between two heartbeats.'),
    missed_threshold: key(integer(1, 100), '3', 'Failed heartbeats before the log says so loudly.'),
  }),
  predictive,
  latency_learning: latencyLearning,
})
