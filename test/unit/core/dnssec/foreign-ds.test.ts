// Goal: a parent whose DS records are all of other keys is an alarm once, and stays in the status
// until one of a published key is there. Method: looks at the parent, one after another, of a new
// zone.
import { expect, test } from 'vitest'
import { beginRoll, rollKeyOf } from '../../../../src/core/dnssec/roll/begin.ts'
import { hasForeignDs, lookedAt } from '../../../../src/core/dnssec/roll/look.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const START = 1_800_000_000
const FOREIGN = '?12345:13:2:abcdef'

test('a DS of other keys alone is told once, and as long as it stands', () => {
  const key = { role: 'csk', publicKey: crypto.generate(13, 2_048).publicKey } as const
  const keys = [rollKeyOf(key, crypto, START)]
  const zone = { zone: ZONE, lineage: 'a'.repeat(32), node: 'one', keys, isProvisional: false }
  let state = beginRoll({ ...zone, wasSigned: false }, plainPolicy, START)
  const own = state.keys[0]!.id
  let atSeconds = START
  const looks = (set: readonly string[]) => {
    atSeconds += 3_600
    const look = { atSeconds, isComplete: true, sets: [set], ttlSeconds: 3_600 }
    const seen = lookedAt(state, look, 0)
    state = seen.state
    return [seen.events.filter(({ kind }) => kind === 'ds-foreign').length, hasForeignDs(state)]
  }
  expect(hasForeignDs(state)).toBe(false)
  expect(looks([])).toEqual([0, false])
  expect(looks([FOREIGN])).toEqual([1, true])
  expect(looks([FOREIGN])).toEqual([0, true])
  expect(looks([FOREIGN, own])).toEqual([0, false])
  expect(looks([])).toEqual([0, false])
})
