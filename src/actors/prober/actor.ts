/**
 * The prober checks every target on its own cadence and publishes each change of verdict at once.
 *
 * It keeps time and moves outcomes, nothing more: what counts as down is decided in
 * core/health/verdicts.ts, who is checked when in core/health/schedule.ts, and what the verdict
 * means for answers by the registry.
 */
import { limits } from '../../core/base/limits.ts'
import { type Outcome, sameCheck } from '../../core/health/outcome.ts'
import { type VerdictOrUnknown, Verdicts } from '../../core/health/verdicts.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import { defineActor } from '../define.ts'
import type { ProberConfig, ProberPorts } from './contract.ts'
import { type Levels, proberMetrics } from './metrics.ts'
import { Notices } from './notices.ts'
import { type Next, Rounds, type Target } from './rounds.ts'
import { Tally } from './tally.ts'
import { Times } from './times.ts'
import { type Turn, turnsOf } from './turns.ts'

interface Wanted {
  readonly member: MemberSpec
  readonly lastVerdict: VerdictOrUnknown
  readonly timed?: boolean
}

const unknownIntervalMs = (intervalMs: number) =>
  Math.min(intervalMs, limits.probeUnknownIntervalMs.default)

const intervalOf = (member: MemberSpec) =>
  Math.max(limits.probeIntervalMsMin.default, member.check.intervalMs)

export const prober = defineActor('prober', (ctx, ports: ProberPorts, config: ProberConfig) => {
  const verdicts = new Verdicts()
  const notices = new Notices(ctx.log)
  const metrics = proberMetrics(ctx.metrics, levels, config.targets !== undefined)
  const checks = { passed: 0, failed: 0, inconclusive: 0 }
  const tally = new Tally(ctx.clock, (counts) => ctx.publish('prober.checks-counted', counts))
  const times = new Times(ctx.clock, (rows) => ctx.publish('prober.times-measured', { rows }))
  const rounds = new Rounds(ctx, ports, config, { started: metrics.started, looked, ended })

  function looked(isCrowded: boolean): void {
    notices.crowded(isCrowded, rounds.running, ctx.clock.monotonicMs())
  }

  function ended(target: Target, outcome: Outcome, startedMs: number): Next {
    const { member } = target
    const nowMs = ctx.clock.nowMs()
    const before = verdicts.verdictOf(member.key)
    const change = verdicts.observe(member.key, outcome, nowMs, startedMs)
    if (change !== undefined) {
      const { previous, ...fact } = change
      ctx.publish('prober.verdict-changed', fact)
      if (previous !== change.verdict) notices.changed(member, outcome, change)
    }
    metrics.checked(member, outcome)
    times.took(member.key, outcome)
    checks[outcome.inconclusive === true ? 'inconclusive' : outcome.ok ? 'passed' : 'failed']++
    if (config.countChecks === true)
      tally.count(member.key, outcome, before, verdicts.verdictOf(member.key))
    notices.checked(member, outcome, nowMs)
    const intervalMs = intervalOf(member)
    if (verdicts.verdictOf(member.key) === 'unknown' || verdicts.isWanted(member.key))
      return { intervalMs: unknownIntervalMs(intervalMs), spread: false }
    // First verdicts come close together, so the checks after them are spread out again.
    return { intervalMs, spread: change !== undefined }
  }

  /** The cadence and the counts of a target whose check did not change go on untouched. */
  function keepOrStart({ member, lastVerdict }: Wanted, { turn, turns }: Turn, nowMs: number) {
    const { key, check } = member
    const target = rounds.targetOf(key)
    const unknown = () => verdicts.verdictOf(key) === 'unknown'
    if (target !== undefined && sameCheck(target.member.check, check)) {
      target.member = member
      verdicts.follow(key, lastVerdict)
      if (unknown()) rounds.hasten(key, unknownIntervalMs(intervalOf(member)))
      return
    }
    verdicts.watch(key, check, lastVerdict)
    if (unknown()) {
      const turnMs = unknownIntervalMs(intervalOf(member)) / turns
      rounds.add(member, turnMs, nowMs + turn * turnMs)
    } else rounds.add(member, Math.min(limits.probeFirstWithinMs.default, intervalOf(member)))
  }

  function watch(all: readonly Wanted[]): void {
    const wanted = all.slice(0, limits.probeTargets.default)
    if (wanted.length < all.length)
      ctx.log.error('too many servers to check', { checked: wanted.length, configured: all.length })
    const keys = new Set(wanted.map(({ member }) => member.key))
    for (const { member } of rounds.targets()) {
      if (keys.has(member.key)) continue
      rounds.remove(member.key)
      verdicts.forget(member.key)
      notices.forget(member.key)
      tally.forget(member.key)
    }
    times.want(new Set(wanted.filter(({ timed }) => timed).map(({ member }) => member.key)))
    const turns = turnsOf(wanted.map(({ member }) => member.service))
    // Taking up forty thousand takes longer than a turn.
    const nowMs = ctx.clock.monotonicMs()
    for (const [at, one] of wanted.entries()) keepOrStart(one, turns[at]!, nowMs)
    metrics.keep(wanted.map(({ member }) => member))
    rounds.resume()
  }

  /** Checks at once, and quickly on until the verdict was said. */
  function want(key: string, doubt: boolean): void {
    if (rounds.targetOf(key) === undefined) return
    verdicts.want(key, doubt, ctx.clock.monotonicMs())
    rounds.hasten(key, 0)
    rounds.resume()
  }

  function levels(): Levels {
    const healthyByRegion = new Map<string, number>()
    for (const { member } of rounds.targets()) {
      const up = verdicts.verdictOf(member.key) === 'up' ? 1 : 0
      healthyByRegion.set(member.region, (healthyByRegion.get(member.region) ?? 0) + up)
    }
    return { healthyByRegion, targets: rounds.size, running: rounds.running, late: rounds.late }
  }

  let own = config
  // One that is started again is not told of gossip, which runs already.
  let isAwaiting = config.awaitsGossip === true && ctx.incarnation === 1

  /** An agent's prober has no registry: its configuration says what to check. */
  function watchOwn(): void {
    if (own.targets !== undefined && !isAwaiting)
      watch(own.targets.map((member) => ({ member, lastVerdict: 'unknown' as const })))
  }

  watchOwn()
  return {
    receive: {
      'registry.targets-set': ({ targets }) => watch(targets),
      'registry.check-wanted': ({ key, doubt }) => want(key, doubt),
      'api.list-checks': ({ service }) => ({ checks: verdicts.records(service) }),
      'api.count-checks': () => ({ ...checks, late: rounds.late }),
    },
    onPeerStarted: (peer) => {
      if (peer !== 'registry' && peer !== 'gossip') return
      if (peer === 'gossip' && isAwaiting) {
        isAwaiting = false
        watchOwn()
      }
      for (const fact of verdicts.known()) ctx.publish('prober.verdict-changed', fact)
    },
    onReconfigured: (changed) => {
      rounds.configure(changed)
      own = changed
      watchOwn()
    },
    onStop: () => rounds.stop(),
  }
})
