/**
 * Runs one incarnation of one actor: hands it messages in order, sends what it publishes, and ends
 * it when it breaks.
 *
 * It is the same on a worker thread, on the main thread and in the simulated world; those differ
 * in the wires and the clock they give it. Whatever the actor throws, in a handler, a timer or
 * after an `await`, ends this incarnation and nothing else. After its end the incarnation can
 * neither send nor receive: code of it that still runs talks to nobody.
 */
import { assert } from '../core/base/assert.ts'
import { limits } from '../core/base/limits.ts'
import type { Random } from '../core/base/random.ts'
import { fail, type Result } from '../core/base/result.ts'
import type { Codec, Item } from '../messages/codec.ts'
import { peersOf } from '../messages/edges.ts'
import type { Catalogue, Entry } from '../messages/entry.ts'
import type { AskFault } from './actor.ts'
import type { Clock } from './clock.ts'
import { faultOf, type FromActor, stoppedFault, type ToActor } from './control.ts'
import { countLinks } from './counters.ts'
import { type AnyActor, type AnyBehaviour, type AnyCtx, isThenable } from './erased.ts'
import { type GuardedClock, guardedClock } from './guarded-clock.ts'
import { fillOf, Link, type LinkEvents } from './link.ts'
import type { Log } from './log.ts'
import { Mailbox } from './mailbox.ts'
import type { Metrics } from './metrics.ts'
import { roleOf } from './role.ts'
import type { Wire } from './wire.ts'

export interface HostOptions {
  readonly catalogue: Catalogue
  readonly codec: Codec
  readonly actor: AnyActor
  /** The child this host runs, where it is one of several of the actor's role. */
  readonly name?: string
  readonly incarnation: number
  readonly ports: unknown
  readonly config: unknown
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics & { json(): Promise<unknown> }
  /** Tells the supervisor. */
  readonly report: (message: FromActor) => void
  /** Runs after the event loop has turned. */
  readonly defer: (run: () => void) => void
  /** Takes up waiting control messages by calling `control`. */
  readonly pollControl?: () => void
  /** Runs before each message is handled: where the simulated world may end the actor. */
  readonly onBoundary?: (indexInBatch: number) => void
  /** Releases the ports once the actor has stopped. */
  readonly close?: () => unknown
}

interface Batch {
  readonly link: Link
  readonly wire: Wire
  readonly bytes: Uint8Array
  readonly shared: readonly unknown[]
}

type Phase = 'starting' | 'running' | 'stopping' | 'ended'

export class ActorHost {
  readonly #options: HostOptions
  readonly #name: string
  readonly #role: string
  readonly #links = new Map<string, Link>()
  readonly #dirty = new Set<Link>()
  readonly #mailbox: Mailbox<Batch>
  readonly #time: GuardedClock
  readonly #events: LinkEvents
  #behaviour: AnyBehaviour | undefined
  #phase: Phase = 'starting'
  /** What came before the actor was up, in order. */
  #early: (() => void)[] = []
  #flushAsked = false
  #running = 0
  #loans = 0
  #closed = false

  constructor(options: HostOptions) {
    this.#options = options
    this.#role = options.actor.name
    this.#name = options.name ?? this.#role
    this.#time = guardedClock(options.clock, (run) => this.#guard(run))
    this.#mailbox = new Mailbox<Batch>({
      batchesPerTurn: limits.batchesPerTurn.default,
      turnMs: limits.turnMs.default,
      monotonicMs: () => options.clock.monotonicMs(),
      defer: options.defer,
      pollControl: options.pollControl ?? (() => {}),
      handle: (batch) => this.#handleBatch(batch),
    })
    this.#events = this.#linkEvents()
    for (const peer of peersOf(options.catalogue, this.#role)) {
      this.#links.set(peer, new Link(peer, options.codec, this.#events))
    }
    countLinks(options.metrics, this.#name, this.#links)
  }

  /** Handlers that have begun and not ended, because they wait for something. */
  get running(): number {
    return this.#running
  }

  get ended(): boolean {
    return this.#phase === 'ended'
  }

  /** Reports the end of the incarnation when the actor's start throws. */
  async start(): Promise<void> {
    const { actor, ports, config } = this.#options
    try {
      const behaviour = await actor.start(this.#ctx(), ports, config)
      if (this.ended) return
      this.#checkReceives(behaviour)
      this.#behaviour = behaviour
    } catch (thrown) {
      this.#crash(thrown)
      return
    }
    this.#phase = 'running'
    this.#flush()
    this.#options.report({ kind: 'ready' })
    const early = this.#early
    this.#early = []
    for (const run of early) run()
    this.#flush()
  }

  /** Gives it the end of a channel to a peer, in place of an earlier one. */
  connect(peer: string, wire: Wire): void {
    if (this.ended) wire.close()
    else this.#linkTo(peer).connect(wire)
  }

  control(message: ToActor): void {
    if (this.ended) return
    switch (message.kind) {
      // Both are for those who run the host.
      case 'peer-connected':
      case 'set-log-level':
        return
      case 'peer-down':
        return void this.#links.get(message.peer)?.disconnect()
      case 'beat':
        return void this.#options.report({ kind: 'alive' })
      case 'peer-started':
        this.#onceUp(() => this.#behaviour?.onPeerStarted?.(roleOf(message.peer)))
        return
      case 'reconfigure':
        this.#onceUp(() => this.#behaviour?.onReconfigured?.(message.config))
        return
      case 'collect-metrics':
        return void this.#collect(message.call)
      case 'stop':
        this.#onceUp(() => this.#stop())
    }
  }

  /** Ends it at once, without a word to the actor or the supervisor. */
  end(): void {
    if (this.ended) return
    this.#phase = 'ended'
    this.#time.cancelAll()
    this.#mailbox.clear()
    this.#early = []
    for (const link of this.#links.values()) {
      link.asks.forget()
      link.disconnect()
    }
  }

  /** Releases its ports; once, however it ended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#options.close?.()
  }

  /** The link to a child; the first of a role is there from the start, others are met here. */
  #linkTo(peer: string): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    assert(this.#links.has(roleOf(peer)), `${this.#name} shares messages with ${peer}`)
    const { codec } = this.#options
    const link = new Link(peer, codec, this.#events)
    this.#links.set(peer, link)
    return link
  }

  /** One child of a role takes a request: the first that is up. */
  #linkToRole(role: string): Link | undefined {
    for (const link of this.#links.values()) {
      if (link.role === role && link.wire !== undefined) return link
    }
    return undefined
  }

  #linkEvents(): LinkEvents {
    return {
      onBatch: (link, wire, bytes, shared) => this.#mailbox.arrive({ link, wire, bytes, shared }),
      onDirty: (link) => {
        this.#dirty.add(link)
        if (this.#flushAsked) return
        this.#flushAsked = true
        queueMicrotask(() => this.#flush())
      },
      onLossOver: (link) => {
        this.#options.log.warn('outbox overflowed, saying again what holds', { peer: link.peer })
        this.#time.clock.after(limits.sayAgainDelayMs.default, () =>
          this.#behaviour?.onPeerStarted?.(link.role),
        )
      },
    }
  }

  #ctx(): AnyCtx {
    const { catalogue, codec, incarnation, random, log, metrics } = this.#options
    const sends = (id: string, kind: Entry['kind']): Entry => {
      const entry = catalogue[id]
      const known = entry?.kind === kind && entry.from === this.#role
      assert(known, `${id} is a ${kind} of ${this.#role}`)
      return entry
    }
    return {
      name: this.#role,
      incarnation,
      clock: this.#time.clock,
      random,
      log,
      metrics,
      lend: (memory) => this.#lend(memory),
      publish: (id, message) => {
        const entry = sends(id, 'fact')
        if (this.ended || entry.kind !== 'fact') return
        const bytes = codec.fact(id, message)
        const shared = codec.sharedOf(id, message)
        const key = entry.delivery === 'latest' ? `${id} ${codec.keyOf(id, message)}` : ''
        for (const link of this.#links.values())
          if (entry.to.includes(link.role)) link.publish(id, entry.delivery, key, bytes, shared)
      },
      fill: (id) => fillOf(this.#links.values(), sends(id, 'fact').to),
      ask: (id, message, timeoutMs = limits.askTimeoutMs.default) =>
        this.#ask(sends(id, 'request'), id, message, timeoutMs),
    }
  }

  #lend(memory: unknown): () => void {
    const loan = ++this.#loans
    const { report } = this.#options
    if (!this.ended) report({ kind: 'lent', loan, memory })
    return () => {
      if (!this.ended) report({ kind: 'returned', loan })
    }
  }

  #ask(
    entry: Entry,
    id: string,
    message: unknown,
    timeoutMs: number,
  ): Promise<Result<unknown, AskFault>> {
    const inRange = timeoutMs > 0 && timeoutMs <= limits.askTimeoutMsMax.default
    assert(inRange, `the deadline of ${id} is within ${limits.askTimeoutMsMax.default} ms`)
    // Code of an ended incarnation must not go on, and nothing is left to wake it.
    if (this.ended) return new Promise(() => {})
    const link = this.#linkToRole(entry.to[0] ?? '')
    if (link === undefined) return Promise.resolve(fail({ code: 'peer-down' }))
    const { asks, outbox } = link
    const call = asks.nextCall()
    const bytes = this.#options.codec.request(id, call, message)
    const full = outbox.bytes + bytes.length > limits.outboxBytesPerPeer.default
    if (full || asks.size >= limits.pendingAsksPerPeer.default) {
      return Promise.resolve(fail({ code: 'too-many-asks' }))
    }
    const queued = outbox.put(id, 'call', '', bytes)
    this.#events.onDirty(link)
    return asks.wait(call, queued, this.#time.clock, timeoutMs)
  }

  #handleBatch({ link, wire, bytes, shared }: Batch): void {
    if (this.ended || link.wire !== wire) return
    const { items, dropped } = this.#options.codec.decode(bytes, shared)
    link.malformed += dropped
    if (this.#phase !== 'starting') {
      this.#handleItems(link, wire, items)
      return
    }
    // Replies are taken up at once: the actor's start may be waiting for one.
    const isAnswer = (item: Item) => item.kind === 'reply' || item.kind === 'failure'
    for (const item of items) if (isAnswer(item)) this.#handleItem(link, wire, item)
    const rest = items.filter((item) => !isAnswer(item))
    if (rest.length === 0) link.batchHandled()
    else this.#early.push(() => this.#handleItems(link, wire, rest))
  }

  #handleItems(link: Link, wire: Wire, items: readonly Item[]): void {
    for (const [index, item] of items.entries()) {
      this.#options.onBoundary?.(index)
      if (this.ended || link.wire !== wire) return
      this.#guard(() => this.#handleItem(link, wire, item))
    }
    if (this.ended || link.wire !== wire) return
    link.batchHandled()
    this.#flush()
  }

  #handleItem(link: Link, wire: Wire, item: Item): unknown {
    if (item.kind === 'reply') return link.asks.replied(item.call, item.reply)
    if (item.kind === 'failure') {
      return link.asks.settle(item.call, fail({ code: 'failed', message: item.why }))
    }
    const entry = this.#options.catalogue[item.name]
    const receive = this.#behaviour?.receive[item.name]
    const rightful = entry?.from === link.role && (entry.to as string[]).includes(this.#role)
    if (!rightful || receive === undefined) {
      link.malformed++
      return undefined
    }
    if (item.kind === 'fact') return receive(item.message)
    if (link.running >= limits.pendingAsksPerPeer.default) {
      return link.refuse(item.name, item.call, 'too many requests at once')
    }
    const reply = receive(item.message)
    if (!isThenable(reply)) return link.reply(item.name, item.call, reply)
    link.running++
    return reply.then((value) => {
      // The asker may have died, and another incarnation of it may use the same call number.
      if (this.ended || link.wire !== wire) return
      link.running--
      link.reply(item.name, item.call, value)
    })
  }

  /** Runs code of the actor; what it throws, now or later, is its crash. */
  #guard(run: () => unknown): void {
    if (this.ended) return
    try {
      const result = run()
      if (!isThenable(result)) return
      this.#running++
      result.then(
        () => this.#running--,
        (thrown) => this.#crash(thrown),
      )
    } catch (thrown) {
      this.#crash(thrown)
    }
  }

  #crash(thrown: unknown): void {
    if (this.ended) return
    this.end()
    this.#options.report({ kind: 'ended', fault: faultOf(thrown) })
  }

  #onceUp(run: () => unknown): void {
    if (this.#phase === 'starting') this.#early.push(() => this.#guard(run))
    else this.#guard(run)
  }

  #flush(): void {
    this.#flushAsked = false
    if (this.ended) return
    for (const link of this.#dirty) link.flush()
    this.#dirty.clear()
  }

  #checkReceives(behaviour: AnyBehaviour): void {
    for (const [name, entry] of Object.entries(this.#options.catalogue)) {
      if (!(entry.to as readonly string[]).includes(this.#role)) continue
      assert(typeof behaviour.receive[name] === 'function', `${this.#role} receives ${name}`)
    }
  }

  async #collect(call: number): Promise<void> {
    const { metrics, report } = this.#options
    const series = await metrics.json().catch(() => undefined)
    if (!this.ended) report({ kind: 'metrics', call, series })
  }

  async #stop(): Promise<void> {
    if (this.#phase !== 'running') return
    this.#phase = 'stopping'
    await this.#behaviour?.onStop?.()
    this.#flush()
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + limits.stopDrainMs.default
    while ([...this.#links.values()].some((link) => !link.idle)) {
      if (clock.monotonicMs() >= deadlineMs || this.ended) break
      await new Promise<void>((resolve) => void this.#time.clock.after(5, resolve))
    }
    await this.close()
    this.end()
    this.#options.report({ kind: 'ended', fault: stoppedFault })
  }
}
