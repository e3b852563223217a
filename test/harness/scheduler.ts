/**
 * Chooses, by a seed, what happens next in a simulated world.
 *
 * Things that could happen wait in lines. What waits in one line happens in its order; which line
 * moves next is drawn, so every interleaving that the runtime allows can come up, and the same
 * seed gives the same one.
 */
import type { Random } from '../../src/core/base/random.ts'

export interface Line {
  readonly label: string
  /** False while something must happen elsewhere first. */
  readonly open: () => boolean
  readonly waiting: (() => void)[]
}

export interface Scheduler {
  line(label: string, open?: () => boolean): Line
  /** Takes a line away with all that waits in it. */
  end(line: Line): void
  /** Lets one thing happen; its label, or undefined when nothing can. */
  step(): string | undefined
  idle(): boolean
}

export function seededScheduler(random: Random): Scheduler {
  const lines = new Set<Line>()
  const ready = () => [...lines].filter((line) => line.waiting.length > 0 && line.open())
  return {
    line: (label, open = () => true) => {
      const line = { label, open, waiting: [] }
      lines.add(line)
      return line
    },
    end: (line) => {
      line.waiting.length = 0
      lines.delete(line)
    },
    step: () => {
      const moving = ready()
      const line = moving[random.below(moving.length)]
      if (line === undefined) return undefined
      line.waiting.shift()?.()
      return line.label
    },
    idle: () => ready().length === 0,
  }
}
