/**
 * Goal: each rollover takes the customary steps in their order, and none before its time.
 * Method: one node, a clock that is set, DS that are shown by hand.
 */
import { describe, expect, test } from 'vitest'
import { advance, horizonOf } from '../../../../src/core/dnssec/roll/advance.ts'
import { beginRoll, rollKeyOf, startRoll, withKey } from '../../../../src/core/dnssec/roll/begin.ts'
import { lookedAt } from '../../../../src/core/dnssec/roll/look.ts'
import { readRollState } from '../../../../src/core/dnssec/roll/read-state.ts'
import { rollRows, servingKeys } from '../../../../src/core/dnssec/roll/status.ts'
import type { RollKey, RollPolicy, RollState } from '../../../../src/core/dnssec/roll/types.ts'
import type { Algorithm } from '../../../../src/core/dnssec/algorithms.ts'
import type { KeyRole } from '../../../../src/core/dnssec/dnskey.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const HOUR = 3_600
const START = 1_800_000_000

class Zone {
  state: RollState
  nowSeconds = START
  readonly policy: RollPolicy
  /** Each event with the hours since the last one. */
  readonly steps: string[] = []
  waits: readonly string[] = []
  #lastSeconds = START
  isServedByAll = true
  unheard: readonly string[] = []
  dsTtlSeconds = 2 * HOUR

  constructor(policy: Partial<RollPolicy> = {}) {
    this.policy = { ...plainPolicy, ...policy }
    const roles: KeyRole[] = this.policy.isSplit ? ['ksk', 'zsk'] : ['csk']
    const keys = roles.map((role) => this.#key(role, this.policy.algorithm))
    const lineage = 'a'.repeat(32)
    const beginning = { zone: ZONE, lineage, node: 'one', keys, isProvisional: false }
    this.state = beginRoll({ ...beginning, wasSigned: false }, this.policy, START)
  }

  #key(role: KeyRole, algorithm: Algorithm): RollKey {
    const key = { role, publicKey: crypto.generate(algorithm, 2_048).publicKey }
    return rollKeyOf(key, crypto, this.nowSeconds)
  }

  order(roles?: readonly KeyRole[], isEmergency = false): void {
    const command = { ...(roles === undefined ? {} : { roles }), isEmergency }
    const wanted = roles ?? (this.policy.isSplit ? (['ksk', 'zsk'] as const) : (['csk'] as const))
    const keys = wanted.map((role) => this.#key(role, this.policy.algorithm))
    this.state = startRoll(this.state, command, keys, this.nowSeconds).state
  }

  #ds: readonly string[] | undefined

  /** The parent publishes what it is offered, or another set; it is looked at each turn. */
  publishDs(ids: readonly string[] = this.state.offered): void {
    this.#ds = ids
    this.look(ids, true)
  }

  /** An operator says what the parent has, and nobody asks the parent. */
  tell(ids: readonly string[] = this.state.offered): void {
    this.look(ids, true, true)
  }

  look(ids: readonly string[], isComplete: boolean, isTold = false): void {
    const seen = { sets: [ids], ttlSeconds: this.dsTtlSeconds }
    const look = { atSeconds: this.nowSeconds, isComplete, isTold, ...seen }
    const { parentSeconds } = horizonOf(this.state, this.policy, this.nowSeconds)
    this.state = lookedAt(this.state, look, parentSeconds).state
  }

  /** Turns of a quarter of an hour. */
  pass(hours: number): void {
    const end = this.nowSeconds + hours * HOUR
    for (; this.nowSeconds <= end; this.nowSeconds += HOUR / 4) this.turn()
    this.nowSeconds -= HOUR / 4
  }

  turn(): void {
    if (this.#ds !== undefined) this.look(this.#ds, true)
    const served = this.isServedByAll ? this.state.version : this.state.version - 1
    const behind = this.isServedByAll ? [] : ['two']
    const facts = { servedByAll: served, behind, unheard: this.unheard }
    const turn = advance(this.state, this.policy, facts, this.nowSeconds)
    this.state = turn.state
    this.waits = turn.waits.map(({ text }) => text)
    for (const action of turn.actions)
      if (action.kind === 'make-key') {
        const key = this.#key(action.role, action.algorithm)
        this.state = withKey(this.state, key, this.nowSeconds).state
      }
    for (const { kind } of turn.events) {
      const hours = (this.nowSeconds - this.#lastSeconds) / HOUR
      this.steps.push(`+${hours} ${kind}`)
      this.#lastSeconds = this.nowSeconds
    }
  }

  /** Begun, offered, and taken up by the parent. */
  settle(): this {
    this.pass(4)
    this.publishDs()
    this.pass(48)
    this.steps.length = 0
    this.#lastSeconds = this.nowSeconds
    return this
  }

  roles(): string[] {
    return rollRows(this.state).map(({ role, phase, ds }) => `${role} ${phase} ${ds}`)
  }
}

describe('a new zone', () => {
  test('offers its key to the parent when no cache holds that it is unsigned', () => {
    const zone = new Zone()
    zone.pass(4)
    // The TTL and the margin, an hour each, after the first turn said that all serve it.
    expect(zone.steps).toEqual(['+2 ds-offered'])
    expect(servingKeys(zone.state).cds).toEqual([zone.state.keys[0]!.id])
  })

  test('offers nothing while a cache holds an unsigned answer of a TTL learned later', () => {
    const zone = new Zone()
    // Servers that an API edit brought are known with the first draft.
    Object.assign(zone.policy, { zoneTtlSeconds: 24 * HOUR })
    zone.pass(30)
    expect(zone.steps).toEqual(['+25 ds-offered'])
  })

  test('offers nothing before each peer was heard once: one may serve it with other keys', () => {
    const zone = new Zone()
    zone.unheard = ['https://two']
    zone.pass(100)
    expect(zone.steps).toEqual([])
    expect(zone.waits.join()).toMatch(/waits until all nodes were heard once.*https:\/\/two$/)
    zone.unheard = []
    zone.turn()
    expect(zone.steps).toEqual(['+100 ds-offered'])
    zone.settle()
    // From then on the parent may have a DS, and a peer that is silent knows of these keys.
    zone.unheard = ['https://two']
    zone.order()
    zone.pass(24)
    expect(zone.steps.map((step) => step.split(' ')[1])).toContain('ds-offered')
  })
})

describe('a rollover', () => {
  test('of a zone key publishes it, lets it sign, and takes the old one away', () => {
    const zone = new Zone({ isSplit: true }).settle()
    zone.order(['zsk'])
    zone.pass(24)
    const [published, signs, withdrawn, ...rest] = zone.steps
    expect(published).toBe('+0 key-published')
    // TTL and margin, and a quarter of an hour until it was known that all serve it.
    expect(signs).toBe('+2.25 key-signs')
    expect(withdrawn).toBe('+2.25 key-withdrawn')
    expect(rest.map((step) => step.split(' ')[1])).toEqual(['key-deleted', 'roll-done'])
    expect(zone.roles()).toEqual(['ksk active seen', 'zsk active absent'])
  })

  test('of a key signing key waits for the DS of the new one, and then for that of the old', () => {
    const zone = new Zone({ isSplit: true }).settle()
    zone.order(['ksk'])
    zone.pass(72)
    expect(zone.steps.map((step) => step.split(' ')[1])).toEqual(['key-published', 'ds-offered'])
    expect(zone.state.keys.filter((key) => key.signsKeys)).toHaveLength(2)
    expect(zone.waits.join()).toContain('the parent')
    zone.publishDs()
    zone.pass(1)
    expect(zone.state.keys).toHaveLength(3)
    // The parent has a day from when it showed the old one last, and caches keep that for hours.
    zone.pass(28)
    expect(zone.state.keys.filter((key) => key.isPublished)).toHaveLength(2)
    zone.pass(48)
    expect(zone.roles()).toEqual(['zsk active absent', 'ksk active seen'])
  })

  test('does not believe a look that missed a server of the parent', () => {
    const zone = new Zone({ isSplit: true }).settle()
    zone.order(['ksk'])
    zone.pass(24)
    zone.look(zone.state.offered, false)
    zone.pass(72)
    expect(zone.state.keys.filter((key) => key.signsKeys)).toHaveLength(2)
    zone.publishDs()
    zone.pass(72)
    expect(zone.state.keys.filter((key) => key.signsKeys)).toHaveLength(1)
  })

  test('waits for caches that have the DS of before its TTL fell', () => {
    const zone = new Zone({ parentSeconds: 0 })
    zone.dsTtlSeconds = 240 * HOUR
    zone.settle()
    zone.dsTtlSeconds = HOUR
    // What one server of several shows is not believed of all.
    zone.look(zone.state.offered, false)
    expect(zone.state.ds?.ttlSeconds).toBe(240 * HOUR)
    zone.turn()
    zone.order()
    zone.pass(4)
    expect(zone.steps.at(-1)).toContain('ds-offered')
    zone.publishDs()
    zone.pass(230)
    expect(zone.state.keys.filter((key) => key.isPublished)).toHaveLength(2)
    expect(zone.waits.join()).toContain('the DS that the parent had')
    zone.pass(24)
    expect(zone.roles()).toEqual(['csk active seen'])
  })

  test('keeps in mind one DS of the past where its TTL goes up and down with each look', () => {
    const zone = new Zone().settle()
    for (let look = 0; look < 50; look++) {
      zone.dsTtlSeconds = (look % 2 === 0 ? 240 : 120) * HOUR
      zone.pass(1)
    }
    expect(zone.state.pastDs.length).toBeLessThan(3)
  })

  test('to another algorithm signs before it publishes, and publishes less before it ceases', () => {
    const zone = new Zone().settle()
    Object.assign(zone.policy, { algorithm: 15 })
    zone.pass(24)
    const names = () => zone.steps.map((step) => step.split(' ')[1])
    expect(names()).toEqual(['key-signs', 'key-published', 'ds-offered'])
    zone.publishDs()
    zone.pass(72)
    expect(names().slice(3)).toEqual(['key-withdrawn', 'key-rests', 'key-deleted', 'roll-done'])
    expect(zone.roles()).toEqual(['csk active seen'])
  })

  test('keeps the old algorithm while the parent keeps its DS beside the new one', () => {
    const zone = new Zone().settle()
    const [old] = zone.state.offered
    Object.assign(zone.policy, { algorithm: 15 })
    zone.pass(24)
    zone.publishDs([old!, ...zone.state.offered])
    zone.pass(240)
    expect(zone.state.keys.filter((key) => key.isPublished)).toHaveLength(2)
    zone.publishDs()
    zone.pass(72)
    expect(zone.roles()).toEqual(['csk active seen'])
  })

  test('goes no further than a node that is behind allows', () => {
    const zone = new Zone({ isSplit: true }).settle()
    zone.isServedByAll = false
    zone.order(['zsk'])
    zone.pass(240)
    expect(zone.steps).toEqual(['+0 key-published'])
    expect(zone.waits.join()).toContain('not yet two')
    zone.isServedByAll = true
    zone.pass(24)
    expect(zone.state.keys).toHaveLength(2)
  })

  test('waits for what is served by a node that is behind with a TTL raised since', () => {
    const zone = new Zone({ isSplit: true }).settle()
    zone.order(['zsk'])
    zone.pass(2.25)
    expect(zone.steps.at(-1)).toContain('key-signs')
    zone.isServedByAll = false
    Object.assign(zone.policy, { zoneTtlSeconds: 48 * HOUR })
    zone.pass(4)
    zone.isServedByAll = true
    zone.pass(48)
    expect(zone.steps.at(-1)).toContain('key-signs')
    zone.pass(2)
    expect(zone.steps.map((step) => step.split(' ')[1])).toContain('key-withdrawn')
  })

  test('in an emergency does without the wide margins', () => {
    const zone = new Zone().settle()
    zone.order(undefined, true)
    zone.pass(3)
    // The TTL of an hour and ten minutes, instead of two hours.
    expect(zone.steps).toContain('+1.5 key-signs')
    zone.publishDs()
    zone.pass(24)
    expect(zone.state.isUrgent).toBe(false)
    expect(zone.roles()).toEqual(['csk active seen'])
  })

  test('of a zone key begins when it is old, early enough to end in time', () => {
    const zone = new Zone({ isSplit: true, zskLifetimeSeconds: 240 * HOUR }).settle()
    zone.pass(300)
    const signs = zone.steps.findIndex((step) => step.endsWith('key-signs'))
    expect(signs).toBeGreaterThan(0)
    const zsk = zone.state.keys.find((key) => key.role === 'zsk')!
    // It took over 240 hours after its predecessor did, to within a turn or two.
    expect(Math.abs(zsk.activeSeconds! - START - 240 * HOUR)).toBeLessThan(HOUR)
  })

  test('in a zone without DS at the parent ends by time alone', () => {
    const zone = new Zone()
    zone.publishDs([])
    zone.pass(4)
    zone.order()
    zone.pass(72)
    expect(zone.roles()).toEqual(['csk active absent'])
    expect(zone.steps.at(-1)).toContain('roll-done')
  })

  test('where the parent was never seen ends only when somebody says what it has', () => {
    const zone = new Zone()
    zone.pass(4)
    zone.order()
    zone.pass(240)
    expect(zone.state.keys).toHaveLength(2)
    expect(zone.waits.join()).toContain('not known which DS the parent publishes')
  })
})

describe('the word of an operator', () => {
  /** The parent has the DS of the next key, which was offered to it a moment ago. */
  function told(): Zone {
    const zone = new Zone()
    zone.pass(4)
    zone.tell()
    zone.pass(48)
    zone.order()
    zone.pass(3)
    expect(zone.steps.at(-1)).toContain('ds-offered')
    zone.tell()
    return zone
  }

  test('ends a rollover, once, though the parent may still have taken up the earlier offer', () => {
    const zone = told()
    zone.pass(24)
    // TTL and a day, for it may have read that at the last moment.
    expect(zone.state.keys.filter((key) => key.isPublished)).toHaveLength(2)
    zone.pass(12)
    expect(zone.roles()).toEqual(['csk active seen'])
  })

  test('is over with the next look at all servers, and not before', () => {
    const zone = told()
    zone.look(zone.state.offered, false)
    expect(zone.state.ds?.isTold).toBe(true)
    zone.look(zone.state.offered, true)
    expect(zone.state.ds?.isTold).toBeUndefined()
    zone.pass(96)
    // What the parent may have gone back to since, only another look can tell.
    expect(zone.state.keys).toHaveLength(2)
    zone.look(zone.state.offered, true)
    zone.pass(12)
    expect(zone.state.keys).toHaveLength(1)
  })

  test('is in the document', () => {
    const { state } = told()
    expect(readRollState(JSON.parse(JSON.stringify(state)))).toEqual(state)
    const ds = { ...state.ds, isTold: 'yes' }
    expect(readRollState(JSON.parse(JSON.stringify({ ...state, ds })))).toBeUndefined()
  })
})

describe('a document', () => {
  test('is the same after it was written and read, in the middle of a rollover', () => {
    const zone = new Zone().settle()
    zone.order()
    zone.pass(5)
    expect(readRollState(JSON.parse(JSON.stringify(zone.state)))).toEqual(zone.state)
  })

  test('is refused with any field left out, or of another kind', () => {
    const zone = new Zone().settle()
    zone.order()
    zone.pass(5)
    const whole = JSON.parse(JSON.stringify(zone.state)) as Record<string, unknown>
    for (const field of Object.keys(whole)) {
      const { [field]: _, ...rest } = whole
      if (field !== 'ds') expect(readRollState(rest)).toBeUndefined()
      for (const wrong of [null, -1, 'X.', {}, [1]])
        expect(readRollState({ ...whole, [field]: wrong })).toBeUndefined()
    }
  })

  test('does not change when there is nothing to do', () => {
    const zone = new Zone().settle()
    const before = zone.state
    zone.pass(24)
    expect(zone.state).toBe(before)
  })
})
