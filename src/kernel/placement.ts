/**
 * Where actors run, as the supervisor sees it: it puts an incarnation somewhere, talks to it, ends
 * it, and is told what becomes of it.
 */
import type { Fault, Report, ToActor } from './control.ts'

/** One incarnation, where it runs. */
export interface Placed<End> {
  /** The end of a channel comes with `peer-connected`. */
  send(message: ToActor, end?: End): void
  /** Ends it at once; `exited` follows, with this fault unless it fell by itself before. */
  kill(fault: Fault): void
}

export interface PlacedEvents {
  report(message: Report): void
  /** Called once, when all it held is released, so that the next incarnation can have it. */
  exited(fault: Fault): void
}

export interface Placement<Spec, End> {
  spawn(
    spec: Spec,
    incarnation: number,
    config: unknown,
    ends: readonly (readonly [peer: string, end: End])[],
    events: PlacedEvents,
  ): Placed<End>
  channel(): readonly [End, End]
}
