/**
 * Starts actors in order, joins them by channels, restarts the one that falls, and stops them in
 * reverse.
 *
 * One for one: the fall of an actor ends its channels and no other actor. It waits out its
 * backoff, starts empty on new channels, and its publishers are told once it is up. What it does
 * not know is where an actor runs: a placement puts it on a worker, on the main thread or into the
 * simulated world.
 */
import { limits } from '../core/base/limits.ts'
import type { Random } from '../core/base/random.ts'
import { peersOf, publishersTo } from '../messages/edges.ts'
import type { Catalogue } from '../messages/entry.ts'
import { RestartHistory } from './backoff.ts'
import type { Cancel, Clock } from './clock.ts'
import { type Fault, type Report, StartError, type ToActor } from './control.ts'
import type { Log } from './log.ts'
import type { Placed, Placement } from './placement.ts'
import { roleOf } from './role.ts'

export type ChildState = 'starting' | 'running' | 'backoff' | 'degraded' | 'stopped'

export interface ChildStatus {
  readonly name: string
  /** `degraded`: waiting to be started again after too many restarts. */
  readonly state: ChildState
  /** 1 for the first start, 0 before it. */
  readonly incarnation: number
  readonly restarts: number
}

export type { Placed, PlacedEvents, Placement } from './placement.ts'

/** Memory that an actor counts in. */
export interface Loan {
  readonly name: string
  readonly incarnation: number
  readonly loan: number
}

export interface LoanEvents {
  lent(loan: Loan, memory: unknown): void
  /** Nobody writes to it any more. */
  returned(loan: Loan): void
}

export interface SupervisedSpec {
  /** The name of the actor, or one of several of its role: see role.ts. */
  readonly name: string
  readonly config: unknown
  /** Its repeated fall is the fall of the process, so it is started again without a wait. */
  readonly escalate: boolean
}

export interface SupervisorOptions<Spec extends SupervisedSpec, End> {
  readonly catalogue: Catalogue
  readonly children: readonly Spec[]
  readonly placement: Placement<Spec, End>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Child<Spec, End> {
  readonly spec: Spec
  readonly history: RestartHistory
  config: unknown
  placed: Placed<End> | undefined
  state: ChildState
  incarnation: number
  upSinceMs: number | undefined
  /** What the incarnation has lent and not returned. */
  readonly loans: Set<number>
  cancelTimer: Cancel
  /** Stopped on purpose, until `resume`. */
  paused: boolean
  /** Told of the end of the first start, and of a stop. */
  onReady: () => void
  onGone: (fault: Fault) => void
}

const restartPolicy = {
  backoffMs: limits.restartBackoffMs.default,
  backoffMaxMs: limits.restartBackoffMaxMs.default,
  resetMs: limits.restartResetMs.default,
  intensity: limits.restartIntensity.default,
  windowMs: limits.restartWindowMs.default,
}

const nothing = () => {}

export class Supervisor<Spec extends SupervisedSpec, End> {
  readonly #options: SupervisorOptions<Spec, End>
  readonly #children = new Map<string, Child<Spec, End>>()
  readonly #onEscalate = new Set<(name: string) => void>()
  readonly #onStateChanged = new Set<(status: ChildStatus) => void>()
  readonly #onLoan = new Set<LoanEvents>()
  readonly #collects = new Map<number, (series: unknown) => void>()
  #lastCollect = 0
  #stopping = false

  constructor(options: SupervisorOptions<Spec, End>) {
    this.#options = options
    for (const spec of options.children) {
      this.#children.set(spec.name, {
        spec,
        history: new RestartHistory(restartPolicy, options.random),
        config: spec.config,
        placed: undefined,
        state: 'stopped',
        incarnation: 0,
        upSinceMs: undefined,
        loans: new Set(),
        cancelTimer: nothing,
        paused: false,
        onReady: nothing,
        onGone: nothing,
      })
    }
  }

  /** Starts every child in order; rejects with a `StartError` after stopping those that started. */
  async start(): Promise<void> {
    for (const child of this.#children.values()) {
      const fault = await this.#startOne(child)
      if (fault === undefined) continue
      await this.stop()
      throw new StartError(child.spec.name, fault)
    }
  }

  /** Stops, in reverse, every child whose role is not among those kept, until `resume`. */
  async pause(kept: ReadonlySet<string>): Promise<'clean' | 'timed-out'> {
    const paused = [...this.#children.values()].filter(({ spec }) => !kept.has(roleOf(spec.name)))
    for (const child of paused) child.paused = true
    return await this.#stopAll(paused.reverse())
  }

  /** Starts what was paused, in order; one that does not start is treated as one that fell. */
  async resume(): Promise<void> {
    for (const child of this.#children.values()) {
      if (!child.paused || this.#stopping) continue
      child.paused = false
      await this.#startOne(child)
    }
  }

  /** Stops in reverse order, each within its deadline; `timed-out` when one had to be killed. */
  async stop(): Promise<'clean' | 'timed-out'> {
    this.#stopping = true
    return await this.#stopAll([...this.#children.values()].reverse())
  }

  /** The fault of the start; undefined once it runs. What is told later goes nowhere. */
  #startOne(child: Child<Spec, End>): Promise<Fault | undefined> {
    return new Promise((resolve) => {
      child.onReady = () => resolve(undefined)
      child.onGone = resolve
      this.#spawn(child)
    })
  }

  async #stopAll(children: readonly Child<Spec, End>[]): Promise<'clean' | 'timed-out'> {
    let outcome: 'clean' | 'timed-out' = 'clean'
    for (const child of children) {
      child.cancelTimer()
      const { placed } = child
      if (placed !== undefined && !(await this.#stopOne(child, placed))) outcome = 'timed-out'
      if (child.incarnation > 0) this.#setState(child, 'stopped')
    }
    return outcome
  }

  reconfigure(configs: Readonly<Record<string, unknown>>): void {
    for (const [name, config] of Object.entries(configs)) {
      const child = this.#children.get(name)
      if (child === undefined) continue
      child.config = config
      child.placed?.send({ kind: 'reconfigure', config })
    }
  }

  /** Says something to every incarnation that lives. */
  broadcast(message: ToActor): void {
    for (const { placed } of this.#children.values()) placed?.send(message)
  }

  /** Ends one incarnation as a crash would; false when it does not run. */
  kill(name: string): boolean {
    const placed = this.#children.get(name)?.placed
    placed?.kill({ code: 'killed', message: 'ended on request' })
    return placed !== undefined
  }

  states(): readonly ChildStatus[] {
    return [...this.#children.values()].map(statusOf)
  }

  /** The metrics of every child that answers in time, by its name. */
  async collect(): Promise<ReadonlyMap<string, unknown>> {
    const found = new Map<string, unknown>()
    const ask = async ({ spec, placed, incarnation }: Child<Spec, End>) => {
      const series = await this.#collectOne(placed)
      // Of an incarnation that fell meanwhile it would be counted twice.
      const isPresent = this.#children.get(spec.name)?.incarnation === incarnation
      if (series !== undefined && isPresent) found.set(spec.name, series)
    }
    const running = [...this.#children.values()].filter(({ state }) => state === 'running')
    await Promise.all(running.map(ask))
    return found
  }

  onEscalate(run: (name: string) => void): void {
    this.#onEscalate.add(run)
  }

  onStateChanged(run: (status: ChildStatus) => void): void {
    this.#onStateChanged.add(run)
  }

  onLoan(events: LoanEvents): void {
    this.#onLoan.add(events)
  }

  #spawn(child: Child<Spec, End>): void {
    const { placement, clock } = this.#options
    const { name } = child.spec
    const ends: [string, End][] = []
    const given: [Placed<End>, End][] = []
    for (const { spec, placed } of this.#peersOf(name)) {
      if (placed === undefined) continue
      const [ours, theirs] = placement.channel()
      ends.push([spec.name, ours])
      given.push([placed, theirs])
    }
    child.incarnation++
    child.upSinceMs = undefined
    this.#setState(child, 'starting')
    // An incarnation that was replaced may still report; only the present one is heard.
    const isPresent = () => child.placed === placed
    const placed: Placed<End> = placement.spawn(child.spec, child.incarnation, child.config, ends, {
      report: (message) => void (isPresent() && this.#reported(child, message)),
      exited: (fault) => void (isPresent() && this.#gone(child, fault)),
    })
    child.placed = placed
    for (const [peer, end] of given) peer.send({ kind: 'peer-connected', peer: name }, end)
    const deadlineMs = limits.startDeadlineMs.default
    child.cancelTimer = clock.after(deadlineMs, () => {
      placed.kill({ code: 'start-timed-out', message: `not up within ${deadlineMs} ms` })
    })
  }

  #reported(child: Child<Spec, End>, message: Report): void {
    switch (message.kind) {
      case 'metrics':
        this.#collects.get(message.call)?.(message.series)
        return
      case 'lent':
        child.loans.add(message.loan)
        for (const events of this.#onLoan) events.lent(loanOf(child, message.loan), message.memory)
        return
      case 'returned':
        this.#returned(child, message.loan)
        return
      // Whoever keeps watch has heard it.
      case 'alive':
        return
      case 'ready':
        this.#ready(child)
    }
  }

  #returned(child: Child<Spec, End>, loan: number): void {
    if (!child.loans.delete(loan)) return
    for (const events of this.#onLoan) events.returned(loanOf(child, loan))
  }

  #ready(child: Child<Spec, End>): void {
    const { name } = child.spec
    child.cancelTimer()
    child.upSinceMs = this.#options.clock.monotonicMs()
    this.#setState(child, 'running')
    for (const peer of this.#childrenOf(publishersTo(this.#options.catalogue, roleOf(name)))) {
      peer.placed?.send({ kind: 'peer-started', peer: name })
    }
    child.onReady()
  }

  #gone(child: Child<Spec, End>, fault: Fault): void {
    const { clock, log } = this.#options
    const { name } = child.spec
    child.placed = undefined
    child.cancelTimer()
    for (const loan of child.loans) this.#returned(child, loan)
    for (const { placed } of this.#peersOf(name)) placed?.send({ kind: 'peer-down', peer: name })
    const isFirstStart = child.incarnation === 1 && child.upSinceMs === undefined
    if (isFirstStart || child.paused || this.#stopping) {
      this.#setState(child, 'stopped')
      child.onGone(fault)
      return
    }
    const nowMs = clock.monotonicMs()
    const healthyMs = child.upSinceMs === undefined ? 0 : nowMs - child.upSinceMs
    const verdict = child.history.crashed(nowMs, healthyMs)
    const { tooMany } = verdict
    // A resume that waits for it ends here: it is started again like any other that fell.
    child.onGone(fault)
    // What answers queries is not made to wait: if it goes on falling the process ends anyway.
    const delayMs = child.spec.escalate && !tooMany ? 0 : verdict.delayMs
    log.error('actor fell', { actor: name, ...fault, restartInMs: delayMs, degraded: tooMany })
    child.cancelTimer = clock.after(delayMs, () => {
      child.history.restarted(clock.monotonicMs())
      this.#spawn(child)
    })
    this.#setState(child, tooMany ? 'degraded' : 'backoff')
    if (tooMany && child.spec.escalate) for (const run of this.#onEscalate) run(name)
  }

  /** False when it had to be killed. */
  async #stopOne(child: Child<Spec, End>, placed: Placed<End>): Promise<boolean> {
    const stopped = await new Promise<boolean>((resolve) => {
      const cancel = this.#options.clock.after(limits.stopDeadlineMs.default, () => resolve(false))
      child.onGone = (fault) => {
        cancel()
        resolve(fault.code === 'stopped')
      }
      placed.send({ kind: 'stop' })
    })
    child.onGone = nothing
    if (stopped) return true
    this.#options.log.warn('actor did not stop cleanly', { actor: child.spec.name })
    if (child.placed === placed) {
      const fault = { code: 'stop-timed-out', message: 'killed at its deadline' }
      placed.kill(fault)
      this.#gone(child, fault)
    }
    return false
  }

  #collectOne(placed: Placed<End> | undefined): Promise<unknown> {
    const call = ++this.#lastCollect
    return new Promise((resolve) => {
      const settle = (series: unknown) => {
        this.#collects.delete(call)
        cancel()
        resolve(series)
      }
      const cancel = this.#options.clock.after(limits.collectDeadlineMs.default, () =>
        settle(undefined),
      )
      this.#collects.set(call, settle)
      placed?.send({ kind: 'collect-metrics', call })
    })
  }

  #peersOf(name: string): Child<Spec, End>[] {
    return this.#childrenOf(peersOf(this.#options.catalogue, roleOf(name)))
  }

  #childrenOf(roles: readonly string[]): Child<Spec, End>[] {
    return [...this.#children.values()].filter(({ spec }) => roles.includes(roleOf(spec.name)))
  }

  #setState(child: Child<Spec, End>, state: ChildState): void {
    if (child.state === state) return
    child.state = state
    for (const run of this.#onStateChanged) run(statusOf(child))
  }
}

const loanOf = <Spec extends SupervisedSpec, End>(
  { spec, incarnation }: Child<Spec, End>,
  loan: number,
): Loan => ({ name: spec.name, incarnation, loan })

const statusOf = <Spec extends SupervisedSpec, End>(child: Child<Spec, End>): ChildStatus => ({
  name: child.spec.name,
  state: child.state,
  incarnation: child.incarnation,
  restarts: Math.max(0, child.incarnation - 1),
})
