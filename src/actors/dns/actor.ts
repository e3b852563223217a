/**
 * The dns actor answers from the last snapshot it was given, whatever becomes of the others.
 *
 * It joins the sockets of its port to the authority in core/dns and keeps count; every rule of the
 * protocol is in the core.
 */
import { limits } from '../../core/base/limits.ts'
import { Lease } from '../../core/cluster/lease.ts'
import { AskerCounts } from '../../core/dns/askers.ts'
import { Authority, type AuthoritySettings } from '../../core/dns/authority.ts'
import type { OnlineDenial } from '../../core/dns/compact.ts'
import { ReadAhead } from '../../core/dns/read-ahead.ts'
import { SampleRing } from '../../core/dns/samples.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import { answerSettings } from '../../core/replay/execute.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { defineActor } from '../define.ts'
import { answering } from './answering.ts'
import type { DnsConfig, DnsPorts, Front, ListenOutcome } from './contract.ts'
import { DnsMeters } from './metrics.ts'
import { onlineDenial, OnlineKeys } from './online.ts'
import { toldOnce } from './routed.ts'
import { Wanting } from './wanting.ts'

type DnsCtx = Ctx<ProductCatalogue, 'dns'>

const HINTS: Readonly<Record<Exclude<ListenOutcome['code'], 'listening'>, string>> = {
  malformed: 'write host:port, [v6]:port or :port',
  'in-use': 'another program listens there; stop it or choose another port',
  'not-permitted': 'ports below 1024 need CAP_NET_BIND_SERVICE or root',
  'not-available': 'no interface of this machine has that address',
  failed: 'the system refused the socket',
}

const settingsOf = (config: DnsConfig): AuthoritySettings => ({
  udpPayloadSize: config.udpPayloadSize,
  nsid: config.nsid,
  versionString: config.versionString,
  tcpIdleTimeoutMs: config.tcp.idleTimeoutMs,
  ...(config.whyNetworks === undefined ? {} : { whyNetworks: config.whyNetworks }),
  ...(config.subnets === undefined ? {} : { subnets: config.subnets }),
  ...(config.cookies === undefined ? {} : { cookies: config.cookies }),
  ...(config.rateLimit === undefined ? {} : { rateLimit: config.rateLimit }),
})

/** Tells from time to time what was answered with servers that clients stick to. */
function tellsLoads(ctx: DnsCtx, authority: Authority, meters: DnsMeters) {
  const everyMs = limits.stickyTellMs.default
  return ctx.clock.every(everyMs, everyMs, () => {
    const epoch = authority.serving?.epoch
    const rows = meters.takeLoads(limits.stickyRowsMax.default)
    if (rows.length > 0 && epoch !== undefined) ctx.publish('dns.loads-counted', { epoch, rows })
  })
}

/** Tells from time to time who asked for clients that nothing tells. */
function tellsAskers(ctx: DnsCtx, askers: AskerCounts) {
  const everyMs = limits.askersTellMs.default
  return ctx.clock.every(everyMs, everyMs, () => {
    const rows = askers.take()
    if (rows.length > 0) ctx.publish('dns.askers-counted', { rows })
  })
}

/** Writes from time to time how clients were routed. */
function tellsRouting({ clock, log }: DnsCtx, { told }: DnsConfig, meters: DnsMeters) {
  const everyMs = limits.routingLogMs.default
  const mayTell = toldOnce(told, () => clock.nowMs())
  return clock.every(everyMs, everyMs, () => {
    for (const news of meters.routingNews(mayTell)) log.info('routing decision', { ...news })
    const clients = meters.movesLeftOut()
    if (clients > 0) log.info('routing decisions left out of the log', { clients })
  })
}

function failListen(
  { listenAddress }: DnsConfig,
  { code, message }: Exclude<ListenOutcome, { code: 'listening' }>,
): never {
  const where = `dns.listen_address ${JSON.stringify(listenAddress)}`
  throw new Error(`${where}: ${message} (${HINTS[code]})`)
}

function tellServing({ log }: DnsCtx, serving: NonNullable<Authority['serving']>): void {
  const { epoch, table, pools } = serving
  for (const fault of table.faults) log.warn('left out of the answers', { fault })
  log.info('dns serving', { epoch, zones: table.zones.length, domains: pools.count })
}

/** Takes keys for compact denial; a zone whose keys sign wrongly is denied by its chain. */
function takesKeys({ clock, log }: DnsCtx, ports: DnsPorts, online: OnlineDenial) {
  const keys = new OnlineKeys(ports, clock, (fault) =>
    log.error('denied by the chain, not compactly', { fault }),
  )
  const take = (told: Parameters<OnlineKeys['take']>[0]) => online.configure(keys.take(told))
  return { take, stop: () => keys.stop() }
}

const waitingOf = ({ clock }: DnsCtx, lease: Lease) => ({
  heard: () => lease.heard,
  nowMs: () => clock.monotonicMs(),
})

/** Sends refusals that waited for a word of the leader. */
function releases({ clock }: DnsCtx, lease: Lease, front: Front) {
  const everyMs = limits.clusterReleaseMs.default
  return clock.every(everyMs, everyMs, () => front.release(lease.heard, clock.monotonicMs()))
}

export const dns = defineActor('dns', async (ctx, ports: DnsPorts, config: DnsConfig) => {
  const { hashSeed, rateMemory } = config
  const online = onlineDenial(ctx.metrics)
  const keys = takesKeys(ctx, ports, online)
  const wanting = new Wanting(ctx, () => authority)
  const authority: Authority = new Authority({
    onWanted: () => wanting.noted(),
    ...settingsOf(config),
    ...{ turns: new Uint32Array(config.turns), hashSeed, online },
    ...(rateMemory === undefined ? {} : { rateMemory }),
  })
  const meters = new DnsMeters(ctx.metrics, ctx.lend)
  const samples = new SampleRing(config.samplesPerSecond ?? 0)
  const askers = new AskerCounts()
  let told = answerSettings(settingsOf(config))
  const tick = () => authority.tick(ctx.clock.nowMs())
  tick()
  const lease = config.lease === undefined ? undefined : new Lease(config.lease)
  const answer = answering({ authority, meters, samples, askers, clock: ctx.clock, tick, lease })
  const flushMs = limits.sampleFlushMs.default
  const flush = () => {
    const sampled = samples.flush(flushMs)
    if (sampled !== undefined) ctx.publish('dns.decisions-sampled', { ...sampled, settings: told })
  }
  const stopTelling = tellsRouting(ctx, config, meters)
  const stopSampling = ctx.clock.every(flushMs, flushMs, flush)

  const outcome = await ports.listen({
    address: config.listenAddress,
    tcp: config.tcp,
    answer,
    readAhead: new ReadAhead(() => authority.serving?.table).look,
    ...(lease === undefined ? {} : { waiting: waitingOf(ctx, lease) }),
    onFault: (message) => ctx.log.warn('dns socket fault', { error: message }),
    onLost: (what) => meters.lost(what),
  })
  if (outcome.code !== 'listening') failListen(config, outcome)
  const { front } = outcome
  ctx.log.info('DNS server initialized', {
    address: formatEndpoint(front.host, front.port),
    front: front.kind,
    ...(lease === undefined ? {} : { cluster_mode: true }),
  })
  meters.tellFront(front.kind)
  // Queries wait for the first snapshot, so that a thread that takes the place of a dead one turns
  // nobody away; but not for ever, since a client told SERVFAIL can ask another server.
  const waitMs = config.firstSnapshotWaitMs ?? limits.firstSnapshotWaitMs.default
  const cancelWait = ctx.clock.after(waitMs, () => front.serve())
  ctx.metrics.onCollect(() => meters.tellConnections(front.counts()))
  // A busy thread looks at the clock with each sample; this is for the others.
  const stopCounting = tellsLoads(ctx, authority, meters)
  const stopAskers = tellsAskers(ctx, askers)
  const stopReleasing = lease === undefined ? () => {} : releases(ctx, lease, front)
  const stopTicking = ctx.clock.every(limits.clockTickMs.default, limits.clockTickMs.default, tick)

  return {
    receive: {
      'registry.serving-set': ({ epoch, version, parts, words }) => {
        const before = authority.serving
        const own = Uint8Array.prototype.slice.call(words)
        if (!authority.applyServing(epoch, version, parts, new Uint32Array(own.buffer))) return
        const serving = authority.serving
        if (serving === undefined || serving === before) return
        meters.rename(serving)
        tellServing(ctx, serving)
        front.serve()
      },
      'registry.word-changed': (change) => void authority.applyWord(change),
      'registry.routes-set': ({ parts }) => void authority.applyRoutes(parts),
      'signer.online-keys-set': keys.take,
      'registry.signatures-set': ({ signed }) => void authority.applySigned(signed),
    },
    onReconfigured: (next) => {
      // What was sampled so far was answered under the old settings.
      flush()
      told = answerSettings(settingsOf(next))
      samples.setRate(next.samplesPerSecond ?? 0)
      authority.reconfigure(settingsOf(next))
      front.reconfigure(next.tcp)
    },
    onStop: async () => {
      stopTicking()
      stopReleasing()
      wanting.stop()
      keys.stop()
      stopCounting()
      stopAskers()
      stopSampling()
      stopTelling()
      cancelWait()
      await front.close()
    },
  }
})
