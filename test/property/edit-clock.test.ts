// Goal: an edit that an operator was told is done is not taken back by an older one, however the
// clocks of the overwatches are set meanwhile.
// Method: nodes with clocks that are set forth and back edit, delete, forget what was deleted, and
// tell each other in any order; beside each stamp stands what its node knew when it gave it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../src/core/base/limits.ts'
import { EditClock } from '../../src/core/gossip/peers/edit-clock.ts'

const NODES = 3
const KEYS = 2
const HALF_LEAD_MS = Math.floor(limits.editLeadMs.default / 2)
const START_MS = 1_800_000_000_000

interface Edit {
  readonly stamp: number
  readonly isGone: boolean
  /** Every edit of its key that its node had heard of, itself too. */
  readonly past: ReadonlySet<number>
  readonly id: number
}

class Node {
  clock = new EditClock()
  nowMs = START_MS
  /** Forgotten by `forget`; what it had heard of by then is not unheard. */
  readonly held = new Map<number, Edit>()
  readonly heard = new Map<number, Set<number>>()

  edit(key: number, isGone: boolean, id: number): Edit {
    const stamp = this.clock.next(this.nowMs, this.held.get(key)?.stamp ?? 0)
    const past = new Set([...(this.heard.get(key) ?? []), id])
    const edit = { stamp, isGone, past, id }
    this.held.set(key, edit)
    this.heard.set(key, past)
    return edit
  }

  hear(key: number, edit: Edit): void {
    this.clock.saw(edit.stamp, this.nowMs)
    this.heard.set(key, new Set([...(this.heard.get(key) ?? []), ...edit.past]))
    if (edit.stamp > (this.held.get(key)?.stamp ?? 0)) this.held.set(key, edit)
  }

  forget(): void {
    for (const [key, { isGone }] of this.held) if (isGone) this.held.delete(key)
  }

  /** What is not on disk is gone. */
  restart(): void {
    const { highest } = this.clock
    this.clock = new EditClock()
    this.clock.restore(highest)
  }
}

const node = fc.nat(NODES - 1)
const step = fc.oneof(
  fc.record({ act: fc.constant('edit' as const), node, key: fc.nat(KEYS - 1), gone: fc.boolean() }),
  fc.record({ act: fc.constant('tell' as const), node, to: node }),
  fc.record({
    act: fc.constant('set' as const),
    node,
    ms: fc.integer({ min: -HALF_LEAD_MS, max: HALF_LEAD_MS }),
  }),
  fc.record({ act: fc.constantFrom('forget' as const, 'restart' as const), node }),
)

test('an edit outranks every edit of its key that its node had heard of', () => {
  const law = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const nodes = Array.from({ length: NODES }, () => new Node())
    const edits = new Map<number, Edit>()
    for (const one of steps) {
      const self = nodes[one.node]!
      if (one.act === 'edit') {
        const edit = self.edit(one.key, one.gone, edits.size)
        for (const id of edit.past)
          if (id !== edit.id) expect(edit.stamp).toBeGreaterThan(edits.get(id)!.stamp)
        edits.set(edit.id, edit)
      } else if (one.act === 'tell')
        for (const [key, edit] of self.held) nodes[one.to]!.hear(key, edit)
      else if (one.act === 'set') self.nowMs = START_MS + one.ms
      else self[one.act]()
    }
  })
  fc.assert(law, { numRuns: process.env['OPENGSLB_FULL'] === '1' ? 50_000 : 1_500 })
})

test('a word from far ahead is outranked where it is about the same thing, and followed nowhere', () => {
  const clock = new EditClock()
  const poison = START_MS + 10 * limits.editLeadMs.default
  clock.saw(poison, START_MS)
  expect(clock.next(START_MS)).toBe(START_MS)
  expect(clock.next(START_MS, poison)).toBe(poison + 1)
  expect(clock.next(START_MS)).toBe(START_MS + 1)
})
