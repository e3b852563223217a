/**
 * What each mode requires, and settings that only make sense together.
 */
import { raftTimes } from '../../cluster/raft-fence.ts'
import { counterName } from '../../health/predict-metrics.ts'
import type { Review } from './report.ts'

const KEY_ADVICE = 'make one with: openssl rand -base64 32'

function agentMode({ config, given, error }: Review): void {
  const { identity, backends, gossip } = config.agent
  if (!given(['agent'])) {
    error(['agent'], 'is required in agent mode', { hint: 'or set `mode: overwatch`' })
    return
  }
  if (identity.service_token === '')
    error(['agent', 'identity', 'service_token'], 'is required in agent mode', {
      allowed: 'at least 16 characters',
    })
  if (gossip.encryption_key === '')
    error(['agent', 'gossip', 'encryption_key'], 'is required in agent mode', { hint: KEY_ADVICE })
  if (backends.length === 0)
    error(['agent', 'backends'], 'must list at least one backend in agent mode')
  if (gossip.overwatch_nodes.length === 0 && !gossip.discovery.enabled)
    error(
      ['agent', 'gossip', 'overwatch_nodes'],
      'must list at least one overwatch in agent mode',
      {
        allowed: 'host:port',
      },
    )
}

/** An application's error counters: one place to read, and counters that can be found there. */
function errorSource({ config, error }: Review): void {
  const { source } = config.agent.predictive.error_rate
  const at = ['agent', 'predictive', 'error_rate', 'source']
  if (source.url === '' && source.log === '') {
    if (source.errors !== '' || source.total !== '')
      error(at, 'names counters and no place to read them', { hint: 'set url or log' })
    return
  }
  if (source.url !== '' && source.log !== '')
    error([...at, 'log'], 'stands beside url; only one of them can be read')
  if (source.errors === '') error([...at, 'errors'], 'is required with url or log')
  if (source.url === '') return
  for (const name of ['errors', 'total'] as const) {
    const counter = counterName(source[name])
    if (source[name] === '' && name === 'total') error([...at, name], 'is required with url')
    else if (source[name] !== '' && !counter.ok) error([...at, name], counter.error)
  }
}

function overwatchMode({ config, given, error, warn }: Review): void {
  const { overwatch, regions, domains, dns } = config
  if (given(['overwatch', 'gossip', 'bind_address']) && overwatch.gossip.encryption_key === '')
    error(['overwatch', 'gossip', 'bind_address'], 'needs overwatch.gossip.encryption_key', {
      hint: KEY_ADVICE,
      follows: 'overwatch.gossip.encryption_key',
    })
  if (overwatch.gossip.probe_timeout > overwatch.gossip.probe_interval)
    warn(['overwatch', 'gossip', 'probe_timeout'], 'is longer than probe_interval')
  if (overwatch.stale.remove_after < overwatch.stale.threshold)
    error(['overwatch', 'stale', 'remove_after'], 'is shorter than overwatch.stale.threshold')
  if (!overwatch.peering.sync.backend_registry)
    warn(
      ['overwatch', 'peering', 'sync', 'backend_registry'],
      'has no effect: backends are shared',
      {
        hint: 'overwatches that share no gossip key share nothing',
      },
    )
  if (regions.length === 0 && domains.length === 0 && dns.zones.length === 0) {
    const alone = given(['agent']) && !given(['overwatch'])
    const hint = alone ? 'is this the file of an agent? then set `mode: agent`' : undefined
    warn([], 'serves no name: there are neither zones nor domains', hint ? { hint } : {})
  }
}

/**
 * Overwatches that have no secret make their code from the tokens: whoever holds all of them can.
 * Where no token admits agents and unsigned ones are refused, only overwatches hold the gossip key.
 */
function peerSecret({ config, warn }: Review): void {
  const { gossip, peering, agent_tokens: tokens } = config.overwatch
  if (gossip.encryption_key === '' || peering.secret !== '') return
  const distinct = new Set(Object.values(tokens)).size
  if (distinct > 1 || (distinct === 0 && !gossip.allow_unsigned_agents)) return
  warn(['overwatch', 'peering', 'secret'], 'is empty: an agent could speak as an overwatch', {
    hint: 'the same one on all overwatches, made with: openssl rand -hex 24',
  })
}

/** To answer without signatures is a choice that somebody has to have made. */
function signing({ config, given, error, warn }: Review): void {
  const { dnssec } = config.overwatch
  const at = ['overwatch', 'dnssec']
  const hasZones = config.dns.zones.length > 0
  if (hasZones && !dnssec.enabled && dnssec.security_acknowledgment.trim() === '')
    error([...at, 'security_acknowledgment'], 'is required to turn signing off', {
      hint: 'any sentence will do, such as "answers are not signed, and that is meant"',
      follows: 'overwatch.dnssec.enabled',
    })
  if (!hasZones && dnssec.enabled && given([...at, 'enabled']))
    warn([...at, 'enabled'], 'has no effect: only the zones of dns.zones are signed')
  const { enabled, peers } = dnssec.key_sync
  const isOneOfMany = config.overwatch.peering.bootstrap_peers.length > 0
  const isAlone = config.cluster.mode !== 'cluster' && peers.length === 0
  if (hasZones && dnssec.enabled && enabled && isOneOfMany && isAlone)
    warn(
      [...at, 'key_sync', 'peers'],
      'is empty beside bootstrap_peers: each overwatch signs with other keys, and a DS fits one',
      { hint: 'the API addresses of the others, as http://overwatch-2.internal:8080' },
    )
  if (dnssec.signature_refresh > dnssec.signature_validity / 2)
    warn([...at, 'signature_refresh'], 'is more than half of signature_validity, which is taken')
}

function clusterMode(review: Review): void {
  const { config, given, warn } = review
  const { mode, bootstrap, join } = config.cluster
  if (mode === 'standalone' && (bootstrap || join.length > 0))
    warn(['cluster', bootstrap ? 'bootstrap' : 'join'], 'has no effect: cluster.mode is standalone')
  if (mode === 'cluster' && bootstrap && join.length > 0)
    warn(
      ['cluster', 'bootstrap'],
      'stands beside cluster.join: without data it founds only where nobody of those is there',
    )
  if (mode === 'cluster' && config.mode === 'agent' && given(['cluster']))
    warn(['cluster', 'mode'], 'has no effect in agent mode')
  if (mode === 'cluster' && config.mode === 'overwatch') engineOf(review)
}

/** What each engine needs, and times that no engine takes. */
function engineOf({ config, given, error, warn }: Review): void {
  const { engine, raft, external, follower_dns, on_lost_lease } = config.cluster
  if (given(['cluster', 'gossip']) && config.overwatch.gossip.encryption_key === '')
    warn(['cluster', 'gossip'], 'is off without encryption_key: no agents, no gossip of nodes', {
      hint: KEY_ADVICE,
    })
  if (engine === 'external' && external.endpoints.length === 0)
    error(['cluster', 'external', 'endpoints'], 'must list at least one URL', {
      hint: 'or set `cluster.engine: embedded`',
    })
  const { heartbeatMs, electionMs } = raftTimes(raft.heartbeat_timeout, raft.election_timeout)
  if (given(['cluster', 'raft', 'heartbeat_timeout']) && heartbeatMs < raft.heartbeat_timeout)
    warn(
      ['cluster', 'raft', 'heartbeat_timeout'],
      `is more than a fifth of election_timeout; ${heartbeatMs}ms is used`,
    )
  if (electionMs > 50_000)
    error(['cluster', 'raft', 'election_timeout'], 'is longer than etcd takes', { allowed: '50s' })
  const { cert_file, key_file, ca_file } = raft.tls
  const files = [cert_file, key_file, ca_file].filter((one) => one !== '').length
  if (files !== 0 && files !== 3)
    error(['cluster', 'raft', 'tls'], 'needs cert_file, key_file and ca_file, or none of them')
  if (config.cluster.force_new_cluster)
    warn(
      ['cluster', 'force_new_cluster'],
      'makes this node the only member: take it back once it has started',
    )
  if (follower_dns === 'refuse' && on_lost_lease === 'serve')
    warn(
      ['cluster', 'on_lost_lease'],
      'lets a leader that is cut off answer beside the next one, as long as it hears nothing of it',
    )
}

export function checkModeRules(review: Review): void {
  if (review.config.mode === 'agent') {
    agentMode(review)
    errorSource(review)
  } else {
    overwatchMode(review)
    peerSecret(review)
    signing(review)
  }
  clusterMode(review)
}
