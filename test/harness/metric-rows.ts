/**
 * What moves which metric: events from outside, in the order they are to happen in.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { hasAddon } from './dns-fronts.ts'
import { buildQuery } from './dns-query.ts'
import { GOSSIP_KEY, TOKEN } from './lab.ts'
import { sumOf } from './metric-names.ts'
import {
  AGENT,
  agentYaml,
  ask,
  backends,
  call,
  errorLog,
  frame,
  NOBODY,
  type Node,
  one,
  overflow,
  overwatchYaml,
  ports,
  seen,
  scrape,
  start,
  STATIC,
} from './metrics-world.ts'
import { writeGroup } from './control-group.ts'
import { until } from './program.ts'

const override = `/overrides/app.gslb.test/${STATIC[0]}`
let drainId = ''
let held: Socket | undefined

export type Way = 'up' | 'down'
/** Names of equal value, what they do, and by which labels. */
export type Move = readonly [names: string, way: Way, labels?: Readonly<Record<string, string>>]

export interface Row {
  readonly event: string
  readonly node: Node
  /** What must hold before the event. */
  ready?(): Promise<unknown>
  drive(): unknown
  readonly moves: readonly Move[]
  /** What the same event moves at another node. */
  readonly also?: { readonly node: Node; readonly moves: readonly Move[] }
  /** The node starts with this event: whatever it shows has moved. */
  readonly isNew?: boolean
  readonly limitMs?: number
}

/** The fallback cannot tell. */
const unread: Row = {
  event: 'more than is read in time',
  node: 'overwatch',
  drive: () => overflow('app.gslb.test'),
  moves: [['dns_kernel_drops_total', 'up']],
}

export const rows: readonly Row[] = [
  {
    event: 'questions by UDP',
    node: 'overwatch',
    drive: () => ask('app.gslb.test', 300),
    moves: [
      ['dns_queries_total', 'up', { domain: 'app.gslb.test', type: 'A', status: 'NOERROR' }],
      ['dns_query_duration_seconds', 'up', { domain: 'app.gslb.test' }],
      ['routing_decisions_total', 'up', { domain: 'app.gslb.test' }],
      ['dns_outcomes_total', 'up', { reason: 'answered' }],
      ['dns_transport_queries_total', 'up', { transport: 'udp' }],
      ['dns_cookies_total', 'up', { cookie: 'none' }],
    ],
  },
  {
    event: 'a question out of every zone',
    node: 'overwatch',
    drive: () => ask('elsewhere.example'),
    moves: [['dns_refused_total', 'up']],
  },
  ...(hasAddon ? [unread] : []),
  {
    event: 'a connection by TCP',
    node: 'overwatch',
    drive: () => {
      held = connect(ports.dns, '127.0.0.1')
      const query = buildQuery({ id: 1, name: 'app.gslb.test', type: 'A' })
      held.write(Buffer.concat([Buffer.from([0, query.length]), query]))
    },
    moves: [
      ['dns_transport_queries_total', 'up', { transport: 'tcp' }],
      ['dns_tcp_connections', 'up'],
    ],
  },
  {
    event: 'a request',
    node: 'overwatch',
    drive: () => call('GET', '/overrides'),
    moves: [['api_requests_total', 'up', { route: '/api/v1/overrides', method: 'GET' }]],
  },
  {
    event: 'a backend whose check fails',
    node: 'overwatch',
    drive: () => backends[1]!.status.set('/health', 503),
    moves: [
      ['health_check_results_total', 'up', { region: 'eu', result: 'failure' }],
      ['health_check_duration_seconds', 'up', { region: 'eu' }],
      ['health_check_latency_seconds', 'up', { region: 'eu' }],
      ['healthy_servers', 'down', { region: 'eu' }],
      ['overwatch_backends_healthy backends_healthy', 'down'],
      ['overwatch_validation_checks_total overwatch_validation_total', 'up', { result: 'failure' }],
      ['overwatch_validation_latency_seconds', 'up', { service: 'app.gslb.test' }],
    ],
  },
  {
    event: 'the backend recovers',
    node: 'overwatch',
    drive: () => backends[1]!.status.clear(),
    moves: [['overwatch_backends_healthy backends_healthy', 'up']],
  },
  {
    event: 'an override set',
    node: 'overwatch',
    drive: () => call('PUT', override, { healthy: false, reason: 'test', source: 'e2e' }),
    moves: [
      ['overwatch_overrides_active', 'up'],
      ['overrides_active', 'up', { service: 'app.gslb.test' }],
      ['overwatch_overrides_by_authority', 'up', { authority: 'external_tool' }],
      ['overwatch_backends_by_authority', 'up', { authority: 'override' }],
      ['overrides_changes_total', 'up', { service: 'app.gslb.test', action: 'set' }],
      ['gossip_overrides_total gossip_override_operations_total', 'up', { action: 'set' }],
    ],
  },
  {
    event: 'the override cleared',
    node: 'overwatch',
    drive: () => call('DELETE', override),
    moves: [
      ['overwatch_overrides_active', 'down'],
      ['gossip_overrides_total gossip_override_operations_total', 'up', { action: 'clear' }],
    ],
  },
  {
    event: 'SIGHUP with a broken file',
    node: 'overwatch',
    drive: () => {
      one('overwatch').configure('dns: { listen_adress: 1 }')
      one('overwatch').signal('SIGHUP')
    },
    moves: [['config_reloads_total', 'up', { result: 'failure' }]],
  },
  {
    event: 'SIGHUP with one more name and server',
    node: 'overwatch',
    drive: () => {
      one('overwatch').configure(overwatchYaml(one('overwatch'), false, true))
      one('overwatch').signal('SIGHUP')
    },
    moves: [
      ['config_reloads_total', 'up', { result: 'success' }],
      ['config_reload_timestamp_seconds', 'up'],
      ['config_load_timestamp_seconds', 'up'],
      ['configured_domains', 'up'],
      ['configured_servers', 'up'],
      ['overwatch_backends_total backends_total', 'up'],
    ],
  },
  {
    event: 'an agent joins by gossip',
    node: 'overwatch',
    // Whoever pins its key first tells the other, which then has no proof to ask for.
    drive: async () => {
      one('peer').signal('SIGSTOP')
      start('agent', (program) => agentYaml(program, TOKEN, AGENT, ports.agent))
      const pinned = async () =>
        (sumOf(await seen('overwatch'), 'overwatch_agent_certs_pinned') ?? 0) > 0
      await until('its key is pinned', pinned, 20_000).finally(() => one('peer').signal('SIGCONT'))
    },
    limitMs: 30_000,
    moves: [
      ['gossip_members_total gossip_members', 'up'],
      ['gossip_healthy_members', 'up'],
      ['gossip_node_joins_total', 'up'],
      ['gossip_messages_received_total', 'up', { type: 'heartbeat' }],
      ['gossip_messages_sent_total', 'up'],
      ['gossip_heartbeats_received_total', 'up'],
      ['gossip_health_updates_received_total', 'up'],
      ['gossip_health_updates_broadcast_total', 'up'],
      ['gossip_propagation_latency_seconds', 'up'],
      ['gossip_agents_registered', 'up'],
      ['overwatch_agents_registered agents', 'up'],
      ['overwatch_agent_certs_pinned', 'up'],
      ['overwatch_agent_auth_success_total', 'up'],
      ['agent_connected', 'up', { region: 'eu' }],
      ['agent_backends_registered_per_agent', 'up'],
      ['agent_certificate_expiry_days', 'up'],
    ],
  },
  {
    event: 'its own checks and heartbeats',
    node: 'agent',
    isNew: true,
    drive: () => {},
    moves: [
      ['agent_backends_registered', 'up'],
      ['agent_backend_health_checks_total', 'up', { service: 'web', result: 'success' }],
      ['agent_heartbeats_sent_total gossip_heartbeats_sent_total', 'up'],
      ['agent_overwatch_connections_active gossip_connected_overwatches', 'up'],
    ],
    limitMs: 20_000,
  },
  {
    event: 'load in its control group',
    node: 'agent',
    drive: () => writeGroup(one('agent').folder, 150, 600),
    moves: [
      ['predictive_cpu_percent', 'up'],
      ['predictive_memory_percent', 'up'],
    ],
  },
  {
    event: 'errors in the log of the application',
    node: 'agent',
    drive: () => appendFileSync(errorLog, 'FAILED\n'.repeat(50)),
    moves: [
      ['predictive_error_rate', 'up'],
      ['predictive_bleeding', 'up'],
      ['predictive_share_thousandths', 'down'],
      ['agent_predictive_state_active', 'up', { service: 'web', signal_type: 'error_rate' }],
    ],
    also: {
      node: 'overwatch',
      moves: [
        ['gossip_predictive_signals_total', 'up'],
        ['overwatch_backends_bleeding', 'up'],
      ],
    },
  },
  {
    event: 'a drain file',
    node: 'agent',
    drive: () => writeFileSync(join(one('agent').folder, 'drain'), ''),
    moves: [['agent_draining', 'up']],
  },
  {
    event: 'a drain by request',
    node: 'overwatch',
    ready: () => {
      rmSync(join(one('agent').folder, 'drain'))
      return until('the drain of the file is over', async () => {
        return sumOf(await scrape('overwatch'), 'overwatch_backends_draining') === 0
      })
    },
    drive: async () => {
      const body = { reason: 'test', service: 'app.gslb.test', address: STATIC[0] }
      drainId = (JSON.parse(await call('POST', '/drains', body)) as { ids: string[] }).ids[0]!
    },
    moves: [
      ['overwatch_backends_draining', 'up'],
      ['overwatch_drains_changes_total', 'up', { action: 'set' }],
    ],
  },
  {
    event: 'the drain lifted',
    node: 'overwatch',
    drive: () => call('DELETE', `/drains/${drainId}`),
    moves: [['overwatch_drains_changes_total', 'up', { action: 'lift' }]],
  },
  {
    event: 'an agent with another token',
    node: 'overwatch',
    drive: () => start('stranger', (program) => agentYaml(program, 'not-the-token-of-web', AGENT)),
    moves: [['overwatch_agent_auth_failures_total tofu_authentication_failures_total', 'up']],
    limitMs: 20_000,
  },
  {
    event: 'an agent whose backend nobody reaches',
    node: 'overwatch',
    drive: () => start('liar', (program) => agentYaml(program, TOKEN, NOBODY)),
    moves: [
      ['overwatch_vetoes_total overwatch_veto_total', 'up', { reason: 'validation_unhealthy' }],
    ],
    limitMs: 20_000,
  },
  {
    event: 'a frame under another key',
    node: 'overwatch',
    drive: () => frame(randomBytes(32)),
    moves: [['gossip_decryption_failures_total gossip_messages_decryption_failures_total', 'up']],
  },
  {
    event: 'a frame that holds no message',
    node: 'overwatch',
    drive: () => frame(Buffer.from(GOSSIP_KEY, 'base64')),
    moves: [['gossip_message_processing_errors_total', 'up']],
  },
  {
    event: 'an agent that falls silent',
    node: 'overwatch',
    drive: () => one('agent').signal('SIGSTOP'),
    moves: [
      ['agent_stale_events_total', 'up'],
      ['overwatch_stale_agents_total', 'up'],
      ['overwatch_agents_silent overwatch_stale_agents', 'up'],
      ['agent_heartbeat_age_seconds', 'up'],
      ['overwatch_agent_heartbeat_age_seconds', 'up'],
      ['agent_connected', 'down'],
      ['gossip_message_send_failures_total', 'up'],
    ],
    limitMs: 30_000,
  },
  {
    event: 'an agent that is stopped',
    node: 'overwatch',
    ready: () => {
      one('agent').signal('SIGCONT')
      const isHeard = async () => sumOf(await scrape('overwatch'), 'overwatch_agents_silent') === 0
      return until('it is heard again', isHeard, 20_000)
    },
    drive: () => one('liar').stop(),
    moves: [['gossip_node_leaves_total', 'up']],
    limitMs: 20_000,
  },
  {
    event: 'an overwatch that is killed, as its agent sees it',
    node: 'agent',
    drive: () => one('peer').signal('SIGKILL'),
    moves: [
      ['agent_heartbeat_failures_total gossip_heartbeat_failures_total', 'up'],
      ['agent_overwatch_connections_active gossip_connected_overwatches', 'down'],
    ],
    limitMs: 40_000,
  },
]

/** Facts that hold while the process runs: nothing outside moves them. */
export const facts: readonly (readonly [
  string,
  Node,
  number,
  Readonly<Record<string, string>>?,
])[] = [
  ['app_info', 'overwatch', 1],
  ['runtime_mode', 'overwatch', 1],
  ['runtime_mode', 'agent', 0],
  ['runtime_mode_info', 'agent', 1, { mode: 'agent' }],
  ['gossip_encryption_enabled', 'overwatch', 1],
]

/** Closes what rows left open. */
export const close = (): void => void held?.destroy()
