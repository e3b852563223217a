/**
 * What the gossip actor tells the registry: agents' reports and silence, records of other
 * overwatches, and who is alive.
 *
 * It turns them into voices of the chorus and has the book judge the servers concerned. A claim
 * that contradicts the last verdict has the server checked at once; meanwhile it counts, unless
 * that would leave a pool without servers: then the guard-rail waits for the check. An agent that
 * signs off takes its servers along at once, the last of a pool too.
 */
import { limits } from '../../core/base/limits.ts'
import { SHARED_EDIT } from '../../core/config/overlay/shared.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import { ALIVE_KEY, type Kept, keptReport, keptTime, reportKeyOf } from '../../core/health/kept.ts'
import type { ForesightRules } from '../../core/health/foresight.ts'
import { validationOf } from '../../core/health/precedence.ts'
import type { RollChange } from '../../core/health/roll.ts'
import { type Server, voicesOf } from '../../core/health/server.ts'
import { overrideEvent } from '../../core/health/shared-bodies.ts'
import type { Compiled } from '../../core/health/fleet.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { Book, RegistryCtx } from './book.ts'
import type { RegistryPorts } from './contract.ts'
import { drainsForAgents } from './drains.ts'
import { MembersSeen } from './feed-changes.ts'
import { Forecasts } from './forecasts.ts'
import { noteCompiled } from './voices.ts'

type Message<Id extends keyof ProductCatalogue> = MessageOf<ProductCatalogue, Id>

const NEVER = { dueMs: Number.POSITIVE_INFINITY, cancel: () => {} }

export class Agents {
  readonly #ctx: RegistryCtx
  readonly #ports: RegistryPorts
  readonly #book: Book
  /** Whose coming and going becomes events. */
  readonly members: MembersSeen
  readonly forecasts: Forecasts
  #timer = NEVER
  /** Called with an edit that another overwatch told of. */
  onEdit: (record: SharedRecord) => void = () => {}
  #toldDrains = 0
  #cancels: readonly (() => void)[] = []

  constructor(ctx: RegistryCtx, ports: RegistryPorts, book: Book) {
    this.#ctx = ctx
    this.#ports = ports
    this.#book = book
    this.members = new MembersSeen(book.feed)
    this.forecasts = new Forecasts(ctx, book)
    book.chorus.orderOn = (key) => this.#orderOn(book.sharing.get('override', key))
    book.onCompiled = (compiled) => this.#compiled(compiled)
  }

  /** Takes what was kept through the start, before the first topology. */
  restore(kept: Kept): Kept {
    const { records, reports, names, aliveMs } = kept
    const { book, chorus, sharing } = this.#parts()
    book.names.restore(names)
    const nowMs = book.nowMs()
    sharing.restore(records, nowMs)
    for (const record of sharing.records()) {
      if (record.kind === 'drain') chorus.drains.take(record, nowMs)
      else if (record.kind !== SHARED_EDIT) chorus.takeVote(record)
    }
    for (const { report, heardMs, silent } of reports) {
      // Until its predecessor died nobody missed the agent.
      const lastMs = silent ? heardMs : Math.max(heardMs, aliveMs)
      chorus.accept(report, nowMs, true, lastMs)
    }
    return kept
  }

  /** Begins to watch the time, and readings by these rules. */
  open(rules?: ForesightRules): void {
    const { book, chorus } = this.#parts()
    this.forecasts.configure(rules)
    const nowMs = book.nowMs()
    for (const [agentId, { silent }] of chorus.roll.agents())
      book.told.heard(agentId, !silent, nowMs)
    const { clock } = this.#ctx
    this.#cancels = [
      clock.every(limits.aliveMarkMs.default, 0, () => {
        if (chorus.roll.size === 0) return
        this.#ports.shared.put(ALIVE_KEY, keptTime(book.nowMs()))
      }),
      clock.every(limits.sharedTickMs.default, 0, () => {
        book.sharing.tick(book.nowMs())
        this.#onDue()
      }),
    ]
    this.#wakeAt(chorus.nextDueMs())
  }

  close(): void {
    this.#timer.cancel()
    this.forecasts.close()
    for (const cancel of this.#cancels) cancel()
  }

  reported({ report, hearsay }: Message<'gossip.agent-reported'>): void {
    const { book, chorus } = this.#parts()
    const nowMs = book.nowMs()
    const { agentId, region } = report
    const isNew = chorus.roll.rowOf(agentId) === undefined
    const change = chorus.accept(report, nowMs, hearsay)
    book.metrics.reported(change === 'stale' ? 'stale' : hearsay ? 'hearsay' : 'heard')
    if (change === 'stale') return
    const backends = report.backends.length
    if (isNew)
      book.feed.record('registration.agent-joined', { region }, { agent: agentId, backends })
    this.#persist(agentId)
    if (!hearsay) book.told.heard(agentId, true, nowMs)
    this.#weigh(change.turned, nowMs)
    this.#changed(change)
    for (const key of change.contested) {
      const fields = { agent_id: agentId, backend: key }
      this.#ctx.log.warn('another agent speaks for the backend', fields)
      book.feed.record('alarm.claim-contested', {}, { agent: agentId, backend: key })
    }
    this.#wakeAt(nowMs + chorus.settings.roll.staleMs)
    for (const { drain } of report.backends) this.#wakeAt(drain?.untilMs ?? NEVER.dueMs)
    if (change.keys.some((key) => chorus.drains.of(key) !== undefined)) this.publishDrains()
  }

  seen({ agentId }: Message<'gossip.agent-seen'>): void {
    const { book, chorus } = this.#parts()
    const nowMs = book.nowMs()
    if (chorus.roll.rowOf(agentId) === undefined) return
    const keys = chorus.roll.seen(agentId, nowMs)
    book.told.heard(agentId, true, nowMs)
    if (keys.length === 0) return
    this.#persist(agentId)
    this.#ctx.log.info('agent is heard again', { agent_id: agentId, backends: keys.length })
    book.feed.record('registration.agent-heard', {}, { agent: agentId, backends: keys.length })
    book.rejudge(keys)
    if (keys.some((key) => !book.fleet.servers.has(key))) book.declare()
    this.#wakeAt(nowMs + chorus.settings.roll.staleMs)
  }

  left({ agentId, boot, reason }: Message<'gossip.agent-left'>): void {
    const { book, chorus } = this.#parts()
    const row = chorus.roll.rowOf(agentId)
    if (row === undefined || (reason === 'deregistered' && row.report.boot > boot)) return
    this.#ctx.log.info('agent left', { agent_id: agentId, reason, backends: row.keys.length })
    const left = { agent: agentId, reason, backends: row.keys.length }
    book.feed.record('registration.agent-left', { region: row.report.region }, left)
    this.#ports.shared.remove(reportKeyOf(agentId))
    book.told.forgetAgent(agentId, book.nowMs())
    this.#changed(chorus.roll.leave(agentId))
  }

  /** What a leader's checks found: it is kept by the store, and not told to others from here. */
  summed(record: SharedRecord): void {
    const { book, chorus } = this.#parts()
    book.rejudge(chorus.takeVote(record).filter((key) => book.fleet.servers.has(key)))
  }

  learned(record: Message<'gossip.record-learned'>): void {
    const { book, chorus, sharing } = this.#parts()
    const nowMs = book.nowMs()
    if (!sharing.learn(record, nowMs)) return
    book.metrics.learned(record.kind)
    if (record.kind === 'override') {
      const server = book.fleet.servers.get(record.id)
      if (server !== undefined) this.#order(server, record)
    } else if (record.kind === 'drain') {
      if (!chorus.drains.take(record, nowMs)) return
      book.rejudge([record.id])
      this.publishDrains()
      this.wake()
    } else if (record.kind === SHARED_EDIT) this.onEdit(record)
    else book.rejudge(chorus.takeVote(record))
  }

  overwatches({ live }: Message<'gossip.overwatches-set'>): void {
    const { book, chorus } = this.#parts()
    this.members.setLive(live)
    book.rejudge(new Set(chorus.setLive(live)))
  }

  /** Asks the prober for a check; false when the server is not checked. */
  check({ spec }: Server, doubt: boolean): boolean {
    if (spec.source === 'agent' && !this.#book.chorus.settings.validates) return false
    this.#ctx.publish('registry.check-wanted', { key: spec.key, doubt })
    return true
  }

  /** A prober that has just started has heard of no doubt. */
  checkDoubted(): void {
    for (const key of this.#book.chorus.doubts()) {
      const server = this.#book.fleet.servers.get(key)
      if (server !== undefined) this.check(server, true)
    }
  }

  /** Tells agents of the drains that overwatches declared. */
  publishDrains(): void {
    const drains = drainsForAgents(this.#book)
    if (drains.length === 0 && this.#toldDrains === 0) return
    this.#toldDrains = drains.length
    this.#ctx.publish('registry.drains-set', { drains })
  }

  /** Something may have an earlier end than before. */
  wake(): void {
    this.#wakeAt(this.#book.chorus.nextDueMs())
  }

  #parts() {
    const { chorus, sharing } = this.#book
    return { book: this.#book, chorus, sharing }
  }

  #changed({ declared, keys }: RollChange): void {
    this.#book.rejudge(keys)
    if (declared) this.#book.declare()
  }

  /** Claims that contradict the last verdict are checked, and doubt it meanwhile. */
  #weigh(turned: readonly string[], nowMs: number): void {
    const { book, chorus } = this.#parts()
    for (const key of turned) {
      const server = book.fleet.servers.get(key)
      const healthy = chorus.roll.voiceOf(key)?.healthy
      if (server === undefined || healthy === undefined) continue
      const { verdict } = validationOf(voicesOf(server, chorus))
      const contradicts = verdict !== 'unknown' && healthy !== (verdict === 'up')
      if (!contradicts) {
        chorus.agree(key)
        continue
      }
      if (!this.check(server, true)) continue
      this.#doubt(server, healthy, nowMs)
    }
  }

  #doubt({ spec }: Server, healthy: boolean, nowMs: number): void {
    const { book, chorus } = this.#parts()
    const { vetoMode } = chorus.settings
    // Under `permissive` the claim counts by itself; under `strict` health needs a passing check.
    if (vetoMode === 'permissive' || (healthy && vetoMode === 'strict')) return
    const refusal = healthy ? undefined : book.fleet.refusal(new Set([spec.key]), nowMs)
    if (refusal !== undefined) book.hold(refusal, 'claim')
    else {
      if (!healthy) book.fleet.withdrawn.note(spec.key, nowMs)
      chorus.doubt(spec.key, nowMs)
    }
  }

  /** Folds an override that another overwatch told of. */
  #order(server: Server, record: SharedRecord): void {
    const event = this.#orderOn(record)
    if (event === undefined) return
    const before = server.health.override
    this.#book.fold(event)
    if (before === server.health.override) return
    const isSet = event.kind === 'override-set'
    const expiresAtMs = isSet ? event.expiresAtMs : undefined
    const message = isSet ? 'override of another overwatch' : 'override ended by another overwatch'
    this.#book.tell.override(message, server, { ...event, expiresAtMs })
  }

  #orderOn(record: SharedRecord | undefined) {
    const event = record && overrideEvent(record)
    if (event?.kind !== 'override-set') return event
    return (event.expiresAtMs ?? NEVER.dueMs) > this.#now() ? event : undefined
  }

  #now(): number {
    return this.#book.nowMs()
  }

  /** Others learn of orders that were given here before anything was shared. */
  #compiled(compiled: Compiled): void {
    const { book, chorus, sharing } = this.#parts()
    let isDrained = false
    for (const key of compiled.added) {
      const server = book.fleet.servers.get(key)
      if (server === undefined) continue
      const record = sharing.get('override', key)
      if (server.health.overrideStampMs > (record?.stamp ?? 0))
        book.told.override(server, this.#now())
      isDrained ||= chorus.drains.of(key) !== undefined
    }
    noteCompiled(book, compiled)
    if (isDrained || this.#toldDrains > 0) this.publishDrains()
  }

  #onDue(): void {
    this.#timer.cancel()
    this.#timer = NEVER
    const { book, chorus } = this.#parts()
    const nowMs = book.nowMs()
    const orders = chorus.drains.list().length
    const { silent, keys } = chorus.tick(nowMs)
    this.#fellSilent(silent, nowMs)
    book.rejudge(new Set(keys))
    if (chorus.drains.list().length < orders) this.publishDrains()
    this.#forsake(nowMs)
    const dueMs = chorus.nextDueMs()
    // A silent agent whose servers pass their checks stays due; once a second is often enough.
    const leastMs = dueMs <= nowMs ? 1_000 : limits.chorusTickMs.default
    this.#wakeAt(Math.max(dueMs, nowMs + leastMs))
  }

  /** Their servers are probed before anything is withdrawn. */
  #fellSilent(keys: readonly string[], nowMs: number): void {
    const { book, chorus } = this.#parts()
    const agents = new Set<string>()
    for (const key of keys) {
      agents.add(chorus.roll.voiceOf(key)!.agentId)
      const server = book.fleet.servers.get(key)
      if (server !== undefined) this.check(server, false)
    }
    for (const agentId of agents) {
      this.#persist(agentId)
      book.told.heard(agentId, false, nowMs)
      const { lastSeenMs } = chorus.roll.rowOf(agentId)!
      const silentMs = nowMs - lastSeenMs
      this.#ctx.log.warn('agent is silent', { agent_id: agentId, silent_ms: silentMs })
      const data = { agent: agentId, silent_ms: silentMs }
      book.feed.record('registration.agent-silent', {}, data)
    }
  }

  /** Takes off the roll what nobody vouches for any more. */
  #forsake(nowMs: number): void {
    const { book, chorus } = this.#parts()
    const isVouchedFor = (key: string) => {
      const server = book.fleet.servers.get(key)
      return server !== undefined && validationOf(voicesOf(server, chorus)).verdict === 'up'
    }
    for (const [agentId, keys] of chorus.overdue(nowMs, isVouchedFor)) {
      const isAll = keys.size === chorus.roll.rowOf(agentId)!.keys.length
      const { length } = [...keys]
      this.#ctx.log.info('backends of a silent agent removed', {
        agent_id: agentId,
        backends: length,
      })
      const change = isAll ? chorus.roll.leave(agentId) : chorus.roll.forsake(agentId, keys)
      if (isAll) {
        this.#ports.shared.remove(reportKeyOf(agentId))
        book.told.forgetAgent(agentId, nowMs)
        const left = { agent: agentId, reason: 'silent', backends: length }
        book.feed.record('registration.agent-left', {}, left)
      }
      this.#changed(change)
    }
  }

  #persist(agentId: string): void {
    const row = this.#book.chorus.roll.rowOf(agentId)
    if (row === undefined) return
    const { report, lastSeenMs, silent } = row
    const kept = keptReport({ report, heardMs: lastSeenMs, silent })
    this.#ports.shared.put(reportKeyOf(agentId), kept)
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timer.dueMs) return
    this.#timer.cancel()
    const delayMs = Math.min(limits.dueTimerMsMax.default, Math.max(1, dueMs - this.#now()))
    this.#timer = { dueMs, cancel: this.#ctx.clock.after(delayMs, () => this.#onDue()) }
  }
}
