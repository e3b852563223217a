/**
 * A whole system in one thread, on a virtual clock, under a seeded scheduler.
 *
 * The supervisor, hosts, links, outboxes and the codec are those of the product; only the wires,
 * the clock and the birth of an actor are simulated. Frames of one channel keep their order,
 * everything else may happen in any order; an actor can be ended before any message, also in the
 * middle of a batch, and while a handler waits. After every step each invariant is checked; what
 * fails names the seed that brings it back.
 */
import { seededRandom } from '../../src/core/base/random.ts'
import { ActorHost } from '../../src/kernel/actor-host.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { Fault, FromActor, ToActor } from '../../src/kernel/control.ts'
import type { AnyActor } from '../../src/kernel/erased.ts'
import type { Log } from '../../src/kernel/log.ts'
import {
  type ChildStatus,
  type Placed,
  type PlacedEvents,
  Supervisor,
} from '../../src/kernel/supervisor.ts'
import type { Frame, Wire } from '../../src/kernel/wire.ts'
import { type Codec, codecOf } from '../../src/messages/codec.ts'
import type { Catalogue } from '../../src/messages/entry.ts'
import { type LogLine, recordingLog } from './ctx.ts'
import { fakeMetrics } from './fake-metrics.ts'
import { type Line, type Scheduler, seededScheduler } from './scheduler.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'
import { handOver } from './wires.ts'

/** What the ports of one incarnation are made from. */
export interface Life {
  readonly name: string
  readonly incarnation: number
  readonly clock: Clock
  readonly log: Log
  readonly isAlive: () => boolean
  /** Resolves after so long on the virtual clock. */
  delay(ms: number): Promise<void>
}

export interface WorldChild {
  readonly name: string
  /** The definition itself, as `actor.ts` exports it. */
  readonly actor: unknown
  readonly ports?: (life: Life) => unknown
  readonly config?: unknown
  readonly escalate?: boolean
}

export interface WorldOptions {
  readonly catalogue: Catalogue
  readonly children: readonly WorldChild[]
  readonly seed: number
  /** Chance that time moves although something else could happen. */
  readonly hasteChance?: number
  /** Each returns a sentence when it is broken. */
  readonly invariants?: Readonly<Record<string, (world: World) => string | undefined>>
  readonly stepsMax?: number
}

/**
 * Where an actor can be ended: before the first message of a batch, before a later one, and while
 * one of its handlers waits for something.
 */
export type Boundary = 'message' | 'batch' | 'handler'

export interface KillPlan {
  readonly name: string
  /** `any`: before any message. */
  readonly where: Boundary | 'any'
  readonly nth: number
}

interface SimEnd {
  readonly inbox: Line
  other: SimEnd | undefined
  listener: ((frame: Frame) => void) | undefined
  closed: boolean
}

interface SimChild {
  readonly name: string
  readonly config: unknown
  readonly escalate: boolean
  readonly child: WorldChild
}

/** How far time may run ahead of a message that waits. */
const HASTE_MS = 10

/** Lets every promise chain that waits for nothing run to its end. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** Calls into the world by an ended incarnation never come back. */
function mortal(ports: unknown, isAlive: () => boolean): unknown {
  if (typeof ports !== 'object' || ports === null) return ports
  return new Proxy(ports, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) =>
        isAlive() ? Reflect.apply(value, target, args) : new Promise(() => {})
    },
  })
}

export class World {
  readonly clock: VirtualClock
  readonly logs: LogLine[] = []
  readonly escalated: string[] = []
  /** What happened, newest last, bounded. */
  readonly trace: string[] = []
  /** Kills that were planned and happened. */
  readonly killed: Record<Boundary, number> = { message: 0, batch: 0, handler: 0 }
  steps = 0
  readonly #options: WorldOptions
  readonly #scheduler: Scheduler
  readonly #supervisor: Supervisor<SimChild, SimEnd>
  readonly #hosts = new Map<string, { host: ActorHost; end: (fault: Fault) => void }>()
  readonly #codec: Codec
  readonly #random
  #plan: { name: string; where: KillPlan['where']; left: number } | undefined

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.clock = virtualClock()
    this.#codec = codecOf(options.catalogue)
    this.#scheduler = seededScheduler(this.#random)
    this.#supervisor = new Supervisor({
      catalogue: options.catalogue,
      children: options.children.map((child) => ({
        name: child.name,
        config: child.config,
        escalate: child.escalate ?? false,
        child,
      })),
      placement: {
        channel: () => this.#channel(),
        spawn: (spec, incarnation, config, ends, events) =>
          this.#spawn(spec, incarnation, config, ends, events),
      },
      clock: this.clock,
      random: seededRandom(options.seed ^ 0x5bd1e995),
      log: recordingLog(this.logs),
    })
    this.#supervisor.onEscalate((name) => void this.escalated.push(name))
  }

  get supervisor(): Supervisor<SimChild, SimEnd> {
    return this.#supervisor
  }

  host(name: string): ActorHost | undefined {
    return this.#hosts.get(name)?.host
  }

  states(): readonly ChildStatus[] {
    return this.#supervisor.states()
  }

  /** Runs until every actor is up; throws the `StartError` of the first that is not. */
  async start(): Promise<void> {
    await this.finish(this.#supervisor.start())
  }

  async stop(): Promise<'clean' | 'timed-out'> {
    return await this.finish(this.#supervisor.stop())
  }

  /** Drives the world until the promise settles. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let done = false
    const watched = promise.finally(() => {
      done = true
    })
    watched.catch(() => {})
    for (await settled(); !done; ) await this.step(Number.POSITIVE_INFINITY)
    return await watched
  }

  /** Runs all that happens within so much virtual time. */
  async runFor(ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms
    while (await this.step(untilMs));
    this.clock.advance(Math.max(0, untilMs - this.clock.monotonicMs()))
  }

  /** Lets one thing happen; false when nothing can before `untilMs`. */
  async step(untilMs: number): Promise<boolean> {
    const dueMs = this.clock.nextDueMs()
    const mayWait = dueMs !== undefined && dueMs <= untilMs
    // A message may be late, but not by so much that every deadline passes before it.
    const isNear = mayWait && dueMs - this.clock.monotonicMs() <= HASTE_MS
    const haste = isNear && this.#random.next() < (this.#options.hasteChance ?? 0.05)
    let label: string | undefined
    try {
      label = haste ? undefined : this.#scheduler.step()
      if (label === undefined && mayWait) {
        this.clock.advance(Math.max(0, dueMs - this.clock.monotonicMs()))
        label = 'time'
      }
    } catch (thrown) {
      this.#fail(`the runtime threw ${thrown instanceof Error ? thrown.stack : String(thrown)}`)
    }
    if (label === undefined) return false
    this.steps++
    this.trace.push(label)
    if (this.trace.length > 200) this.trace.shift()
    await settled()
    this.#killBusy()
    this.#check()
    return true
  }

  /** Ends an actor as a crash would, now. */
  kill(name: string): void {
    this.#hosts.get(name)?.end({ code: 'killed', message: 'ended by the test' })
  }

  /** Ends it at the nth boundary from now. */
  killAt(plan: KillPlan): void {
    this.#plan = { name: plan.name, where: plan.where, left: plan.nth }
  }

  /** True while a planned kill has not happened. */
  get killPending(): boolean {
    return this.#plan !== undefined
  }

  #killBusy(): void {
    const plan = this.#plan
    if (plan?.where !== 'handler') return
    if ((this.#hosts.get(plan.name)?.host.running ?? 0) > 0) this.#boundary(plan.name, 'handler')
  }

  #boundary(name: string, where: Boundary): void {
    const plan = this.#plan
    if (plan?.name !== name || (plan.where !== where && plan.where !== 'any')) return
    if (plan.where === 'any' && where === 'handler') return
    plan.left--
    if (plan.left > 0) return
    this.#plan = undefined
    this.trace.push(`kill ${name} at a ${where}`)
    this.killed[where]++
    this.kill(name)
  }

  #check(): void {
    for (const [name, holds] of Object.entries(this.#options.invariants ?? {})) {
      const broken = holds(this)
      if (broken !== undefined) this.#fail(`${name}: ${broken}`)
    }
    if (this.steps > (this.#options.stepsMax ?? 200_000))
      this.#fail('the world never comes to rest')
  }

  #fail(why: string): never {
    const { seed } = this.#options
    throw new Error(`seed ${seed}, step ${this.steps}: ${why}\n${this.trace.slice(-40).join('\n')}`)
  }

  #channel(): readonly [SimEnd, SimEnd] {
    const make = (): SimEnd => {
      const end: SimEnd = {
        inbox: this.#scheduler.line('frame', () => end.listener !== undefined),
        other: undefined,
        listener: undefined,
        closed: false,
      }
      return end
    }
    const [a, b] = [make(), make()]
    a.other = b
    b.other = a
    return [a, b]
  }

  #wire(end: SimEnd): Wire {
    return {
      post: (frame) => {
        const { other } = end
        if (end.closed || other === undefined || other.closed) return
        const handed = typeof frame === 'number' ? frame : handOver(frame)
        other.inbox.waiting.push(() => other.listener?.(handed))
      },
      listen: (onFrame) => {
        end.listener = onFrame
      },
      close: () => {
        end.closed = true
        this.#scheduler.end(end.inbox)
      },
    }
  }

  #spawn(
    spec: SimChild,
    incarnation: number,
    config: unknown,
    ends: readonly (readonly [string, SimEnd])[],
    events: PlacedEvents,
  ): Placed<SimEnd> {
    const { name, child } = spec
    let alive = true
    let booted = false
    const given = ends.map(([, simEnd]) => simEnd)
    const control = this.#scheduler.line(`control of ${name}`, () => booted && alive)
    const reports = this.#scheduler.line(`report of ${name}`)
    const turns = this.#scheduler.line(`turn of ${name}`, () => alive)
    const end = (fault: Fault) => {
      if (!alive) return
      alive = false
      host.end()
      // Its thread dies with every channel end it was given, taken up or not.
      for (const owned of given) this.#wire(owned).close()
      this.#scheduler.end(control)
      this.#scheduler.end(turns)
      reports.waiting.push(() => {
        this.#scheduler.end(reports)
        events.exited(fault)
      })
    }
    const report = (message: FromActor) => {
      if (message.kind === 'ended') end(message.fault)
      else reports.waiting.push(() => events.report(message))
    }
    const log = recordingLog(this.logs)
    const host = this.#host(child, incarnation, config, log, {
      isAlive: () => alive,
      defer: (run) => void turns.waiting.push(run),
      report,
    })
    this.#hosts.set(name, { host, end })
    turns.waiting.push(() => {
      booted = true
      for (const [peer, simEnd] of ends) host.connect(peer, this.#wire(simEnd))
      void host.start()
    })
    return {
      send: (message: ToActor, simEnd) => {
        if (simEnd !== undefined) given.push(simEnd)
        control.waiting.push(() => {
          if (simEnd !== undefined && message.kind === 'peer-connected') {
            host.connect(message.peer, this.#wire(simEnd))
          }
          host.control(message)
        })
      },
      kill: end,
    }
  }

  #host(
    child: WorldChild,
    incarnation: number,
    config: unknown,
    log: Log,
    hooks: {
      isAlive: () => boolean
      defer: (run: () => void) => void
      report: (message: FromActor) => void
    },
  ): ActorHost {
    const { clock } = this
    const { isAlive, defer, report } = hooks
    const delay = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    const life: Life = { name: child.name, incarnation, clock, log, isAlive, delay }
    const ports = mortal(child.ports?.(life), isAlive)
    return new ActorHost({
      catalogue: this.#options.catalogue,
      codec: this.#codec,
      // The definition is typed against its own catalogue; the world carries any.
      actor: child.actor as AnyActor,
      name: child.name,
      incarnation,
      ports,
      close: () => (ports as { close?: () => unknown } | undefined)?.close?.(),
      config,
      clock,
      random: seededRandom(this.#options.seed + 31 * incarnation),
      log,
      metrics: { ...fakeMetrics(), json: async () => [] },
      report,
      defer,
      onBoundary: (index) => this.#boundary(child.name, index === 0 ? 'message' : 'batch'),
    })
  }
}

/** A world whose actors are all up. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const world = new World(options)
  await world.start()
  return world
}
