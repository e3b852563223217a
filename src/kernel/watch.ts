/**
 * Notices an actor whose thread stands still: one that loops for ever, or waits in code that is not
 * JavaScript and that nothing can call back.
 *
 * Each thread is given a beat from time to time and answers it between two messages. One that
 * leaves many in a row unanswered is ended like one that fell. A thread that loops ends then; one
 * that waits in native code does not, and its place is given to another all the same: it can do
 * nothing any more, since it ends where it would go on. What it held outside, as a socket, stays
 * taken; an incarnation that needs the same falls at its start, which is told.
 *
 * Beats are counted and not the time, so a process that was stopped for an hour ends no actor. It
 * leaves out those that start or stop, which have deadlines of their own, and the main thread,
 * where this runs.
 */
import { limits } from '../core/base/limits.ts'
import type { Cancel, Clock } from './clock.ts'
import type { Fault } from './control.ts'
import type { Log } from './log.ts'
import type { Placed, PlacedEvents, Placement } from './placement.ts'

export interface WatchTimes {
  readonly beatMs: number
  /** Beats in a row without an answer. */
  readonly silentBeats: number
  /** From the end of an incarnation until its place is given away. */
  readonly endMs: number
}

export interface WatchWorld<Spec> {
  readonly clock: Clock
  readonly log: Log
  readonly times?: WatchTimes
  /** Not on the main thread. */
  isWatched(spec: Spec): boolean
  /** The actor stands still and is ended. */
  silent(name: string): void
}

export const watchTimes: WatchTimes = {
  beatMs: limits.actorBeatMs.default,
  silentBeats: limits.actorSilentBeats.default,
  endMs: limits.actorEndMs.default,
}

class Watched<End> implements Placed<End> {
  readonly #name: string
  readonly #world: WatchWorld<never>
  readonly #times: WatchTimes
  readonly #events: PlacedEvents
  #placed: Placed<End> | undefined
  #unanswered = 0
  #isOver = false
  #cancelBeats: Cancel = () => {}
  #cancelEnd: Cancel = () => {}

  constructor(name: string, world: WatchWorld<never>, events: PlacedEvents) {
    this.#name = name
    this.#world = world
    this.#times = world.times ?? watchTimes
    this.#events = events
  }

  /** What the incarnation itself says goes through here. */
  readonly events: PlacedEvents = {
    report: (message) => {
      if (this.#isOver) return
      this.#unanswered = 0
      if (message.kind === 'alive') return
      if (message.kind === 'ready') this.#begin()
      this.#events.report(message)
    },
    exited: (fault) => this.#exited(fault),
  }

  holds(placed: Placed<End>): this {
    this.#placed = placed
    return this
  }

  readonly send: Placed<End>['send'] = (message, end) => {
    if (message.kind === 'stop') this.#cancelBeats()
    this.#placed?.send(message, end)
  }

  kill(fault: Fault): void {
    this.#cancelBeats()
    this.#placed?.kill(fault)
    const { endMs } = this.#times
    this.#cancelEnd()
    this.#cancelEnd = this.#world.clock.after(endMs, () => {
      const actor = this.#name
      this.#world.log.error('a thread cannot be ended: it is left behind', {
        actor,
        waitedMs: endMs,
      })
      this.#exited(fault)
    })
  }

  #begin(): void {
    const { beatMs } = this.#times
    this.#cancelBeats()
    this.#cancelBeats = this.#world.clock.every(beatMs, beatMs, () => this.#beat())
  }

  #beat(): void {
    const { beatMs, silentBeats } = this.#times
    if (this.#unanswered < silentBeats) {
      this.#unanswered++
      this.#placed?.send({ kind: 'beat' })
      return
    }
    const message = `no answer to ${silentBeats} beats, one each ${beatMs} ms`
    this.#world.silent(this.#name)
    this.kill({ code: 'stands-still', message })
  }

  #exited(fault: Fault): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelBeats()
    this.#cancelEnd()
    this.#events.exited(fault)
  }
}

/** A placement whose incarnations are watched while they run, neither starting nor stopping. */
export const watched = <Spec extends { readonly name: string }, End>(
  placement: Placement<Spec, End>,
  world: WatchWorld<Spec>,
): Placement<Spec, End> => ({
  channel: () => placement.channel(),
  spawn: (spec, incarnation, config, ends, events) => {
    if (!world.isWatched(spec)) return placement.spawn(spec, incarnation, config, ends, events)
    const watch = new Watched<End>(spec.name, world, events)
    return watch.holds(placement.spawn(spec, incarnation, config, ends, watch.events))
  },
})
