/**
 * Goal: no rollover ever makes the zone bogus for any validator.
 * Method: nodes, a parent and resolvers on a virtual clock (`dnssec-roll-world.ts`), nodes that are
 * lost and cut off, clocks five minutes off to either side, messages that are lost, a slow parent;
 * each rollover runs to its end over several seeds. OPENGSLB_FULL=1 walks more of them.
 */
import { describe, expect, test } from 'vitest'
import type { RollCommand } from '../../src/core/dnssec/roll/types.ts'
import { RollWorld, type WorldOptions, ZONE } from '../harness/dnssec-roll-world.ts'

const FULL = process.env['OPENGSLB_FULL'] === '1'
const SEEDS = FULL ? 100 : 4
const HOUR = 3_600
const DAY = 24 * HOUR

/** A zone whose first node made its keys and whose parent has taken them up. */
function begun(options: Partial<WorldOptions> & { readonly seed: number }): RollWorld {
  const world = new RollWorld({ nodes: 3, ...options })
  const [first] = world.nodes
  first!.ring.begin(ZONE, world.clockOf(first!), { isProvisional: false })
  expect(world.runUntil(() => world.settledTags() !== undefined, 4 * DAY)).toBe(true)
  return world
}

function order(world: RollWorld, command: RollCommand): void {
  const led = world.nodes.find((node) => node.isUp && node.ring.zone(ZONE)?.isLed)
  expect(led?.ring.command(ZONE, command, world.clockOf(led))).toBeDefined()
}

const isNew = (world: RollWorld, before: string | undefined) => () => {
  const now = world.settledTags()
  return now !== undefined && now !== before
}

/** Runs to the end of the rollover. */
function finish(world: RollWorld, before: string | undefined, maxSeconds = 10 * DAY): string {
  const isDone = world.runUntil(isNew(world, before), maxSeconds)
  expect(world.bogus.slice(0, 3)).toEqual([])
  if (!isDone)
    throw new Error(JSON.stringify(world.nodes.map((node) => node.ring.zone(ZONE)?.waits)))
  return world.settledTags()!
}

const ALL: RollCommand = { isEmergency: false }
const seeds = Array.from({ length: SEEDS }, (_, at) => at + 1)

describe('a rollover', { timeout: 1_200_000 }, () => {
  test.each(seeds)('of the one key is valid at every moment (seed %i)', (seed) => {
    const world = begun({ seed })
    const before = world.settledTags()
    order(world, ALL)
    expect(finish(world, before)).toMatch(/^csk-13-\d+$/)
    expect(world.validated).toBeGreaterThan(1_000)
  })

  test.each(seeds)('of a zone key, and of a key signing key, is valid (seed %i)', (seed) => {
    const world = begun({ seed, policy: { isSplit: true } })
    for (const roles of [['zsk'], ['ksk'], ['ksk', 'zsk']] as const) {
      const before = world.settledTags()
      order(world, { roles, isEmergency: false })
      expect(finish(world, before)).toMatch(/^(ksk-13-\d+ zsk-13-\d+|zsk-13-\d+ ksk-13-\d+)$/)
    }
  })

  test.each(seeds)('to another algorithm, and to two keys, is valid (seed %i)', (seed) => {
    const world = begun({ seed })
    let before = world.settledTags()
    world.setPolicy({ algorithm: 15 })
    before = finish(world, before)
    expect(before).toMatch(/^csk-15-\d+$/)
    world.setPolicy({ isSplit: true })
    before = finish(world, before)
    expect(before).toMatch(/^ksk-15-\d+ zsk-15-\d+$/)
    world.setPolicy({ algorithm: 13, isSplit: true })
    expect(finish(world, before)).toMatch(/^ksk-13-\d+ zsk-13-\d+$/)
  })

  test.each(seeds)('goes with a TTL raised while a node is behind (seed %i)', (seed) => {
    const ttls = { zoneTtlSeconds: 300, dnskeyTtlSeconds: 300 }
    const world = begun({ seed, policy: { isSplit: true, ...ttls }, loss: 0, resolvers: 64 })
    const [before, behind] = [world.settledTags(), world.nodes[2]!]
    order(world, { roles: ['zsk'], isEmergency: false })
    const old = world.state()!.keys.find((key) => key.role === 'zsk' && key.goal === 'gone')!
    // It has the new key published, and never hears that the zone is signed with it.
    const isReady = () =>
      world.state()!.pastKeySets.length === 0 && behind.view.keys.members.length === 3
    const hasCeased = () =>
      world.state()!.keys.some(({ id, ...key }) => id === old.id && !key.signsZone)
    world.runUntil(() => {
      behind.isCutOff = isReady()
      return hasCeased()
    }, DAY)
    expect(behind.view.signing).toContain(old.id)
    behind.isCutOff = true
    world.setPolicy({ zoneTtlSeconds: 2 * DAY })
    world.run(12 * HOUR)
    behind.isCutOff = false
    finish(world, before)
  })

  test.each(seeds)('waits for a parent that takes days (seed %i)', (seed) => {
    const world = begun({ seed })
    const before = world.settledTags()
    world.isParentDeaf = true
    order(world, ALL)
    world.run(5 * DAY)
    expect(world.settledTags()).toBeUndefined()
    const old = Number(before!.split('-')[2])
    expect(world.state()!.keys.find((key) => key.tag === old)?.isPublished).toBe(true)
    world.isParentDeaf = false
    finish(world, before)
  })

  test.each(seeds)('overtaken by an emergency is valid (seed %i)', (seed) => {
    const world = begun({ seed, parentDelaySeconds: 8 * HOUR, isParentCareful: true })
    const before = world.settledTags()
    order(world, ALL)
    world.run(world.random.below(12 * HOUR))
    order(world, { isEmergency: true })
    world.run(world.random.below(6 * HOUR))
    order(world, { isEmergency: true })
    finish(world, before)
    expect(world.state()!.isUrgent).toBe(false)
  })

  test.each(seeds)('goes on when the leader is lost and comes back (seed %i)', (seed) => {
    const world = begun({ seed, parentDelaySeconds: 4 * HOUR })
    const before = world.settledTags()
    order(world, ALL)
    // An order that no other node has heard of is lost with the leader.
    world.run(2 * HOUR + world.random.below(5 * HOUR))
    const led = world.nodes.find((node) => node.ring.zone(ZONE)!.isLed)!
    const revive = world.kill(led)
    world.run(10 * HOUR)
    expect(world.events.some((event) => event.kind === 'leader-changed')).toBe(true)
    revive()
    finish(world, before)
  })

  test.each(seeds)('waits for no name that a node had before (seed %i)', (seed) => {
    const world = begun({ seed })
    const before = world.settledTags()
    order(world, ALL)
    world.run(2 * HOUR + world.random.below(5 * HOUR))
    for (const node of [...world.nodes]) {
      const revive = world.kill(node)
      world.run(world.random.below(HOUR))
      revive(`renamed-${node.name}`)
      world.run(world.random.below(3 * HOUR))
    }
    // Long before a node that is merely silent would be forgotten.
    finish(world, before, 6 * DAY)
    const { members } = world.state()!
    expect([...members].sort()).toEqual(['renamed-node-1', 'renamed-node-2', 'renamed-node-3'])
  })

  test.each(seeds)('holds while a node is cut off and still answers (seed %i)', (seed) => {
    const world = begun({ seed })
    const before = world.settledTags()
    const lost = world.nodes[world.random.below(3)]!
    order(world, ALL)
    world.run(world.random.below(5 * HOUR))
    lost.isCutOff = true
    world.run(3 * DAY)
    lost.isCutOff = false
    finish(world, before)
  })
})

describe('nodes', { timeout: 1_200_000 }, () => {
  test.each(seeds)('that started apart come to one key set (seed %i)', (seed) => {
    const world = new RollWorld({ seed, nodes: 4 })
    const cut = world.nodes.slice(2)
    for (const node of cut) node.isCutOff = true
    for (const at of [0, 2]) {
      const node = world.nodes[at]!
      node.ring.begin(ZONE, world.clockOf(node), { isProvisional: at === 2 })
    }
    world.run(HOUR)
    // The parent has no DS yet, so nobody validates, and those who hold no keys take what is there.
    for (const node of cut) node.isCutOff = false
    expect(world.runUntil(() => world.settledTags() !== undefined, 20 * DAY)).toBe(true)
    expect(world.bogus.slice(0, 3)).toEqual([])
    expect(world.events.some((event) => event.text.includes('made apart'))).toBe(true)
    expect(world.settledTags()).toMatch(/^csk-13-\d+$/)
  })

  test.each([
    ['made its keys in doubt', true],
    ['has the older ones', false],
  ] as const)('of which one %s keep the key that the parent has a DS of', (_, isProvisional) => {
    for (const seed of seeds) {
      const world = begun({ seed, nodes: 2 })
      const trusted = world.settledTags()
      const apart = world.add()
      apart.isCutOff = true
      const began = isProvisional ? world.clockOf(apart) : world.nowSeconds - 365 * DAY
      apart.ring.begin(ZONE, began, { isProvisional })
      world.run(HOUR)
      // Whoever asks it gets what nobody vouches for: those are not the keys to come to.
      expect(world.bogus.length).toBeGreaterThan(0)
      apart.isCutOff = false
      // Until it has heard of the others, and caches have lost what it said alone.
      world.run(2 * HOUR)
      const before = world.bogus.length
      const isOne = () => world.settledTags() !== undefined
      expect(world.runUntil(isOne, 30 * DAY), `seed ${seed}`).toBe(true)
      world.run(2 * DAY)
      expect(world.settledTags()).toBe(trusted)
      expect(world.bogus.slice(before), `seed ${seed}`).toEqual([])
    }
  })

  test.each(seeds)('that join, fail and roll at random never make it bogus (seed %i)', (seed) => {
    // An emergency trusts the parent to take up what all nodes say, not what one behind says.
    const isParentCareful = seed % 2 === 0
    const times = { parentDelaySeconds: 6 * HOUR, loss: 0.3 }
    const world = begun({ seed: seed + 1_000, ...times, isParentCareful })
    const revivals: (() => void)[] = []
    for (let turn = 0; turn < 30; turn++) {
      const what = world.random.below(6)
      const node = world.nodes[world.random.below(world.nodes.length)]!
      const up = world.nodes.filter((each) => each.isUp)
      if (what === 0 && up.length > 1) revivals.push(world.kill(node.isUp ? node : up[0]!))
      if (what === 1) revivals.shift()?.()
      if (what === 2) node.isCutOff = !node.isCutOff
      if (what === 3 && world.nodes.length < 5) world.add()
      if (what === 4) world.setPolicy({ algorithm: world.random.below(2) === 0 ? 13 : 15 })
      if (what === 5) {
        const led = up.find((each) => each.ring.zone(ZONE)?.isLed)
        const isEmergency = isParentCareful && world.random.below(4) === 0
        led?.ring.command(ZONE, { isEmergency }, world.clockOf(led))
      }
      world.run(world.random.below(12 * HOUR))
      expect(world.bogus.slice(0, 3)).toEqual([])
    }
    for (const revive of revivals) revive()
    for (const node of world.nodes) node.isCutOff = false
    expect(world.runUntil(() => world.settledTags() !== undefined, 30 * DAY)).toBe(true)
    expect(world.bogus.slice(0, 3)).toEqual([])
  })
})

describe('the model', { timeout: 600_000 }, () => {
  test('finds a machine that believes TTLs to be shorter than they are', () => {
    const found = seeds.slice(0, 6).map((seed) => {
      const told = { dnskeyTtlSeconds: 60, zoneTtlSeconds: 60, safetySeconds: 60 }
      const world = begun({ seed, told, clocksSeconds: 0 })
      order(world, ALL)
      world.run(4 * DAY)
      return world.bogus.length
    })
    // Now and then nobody asks in the moments that matter.
    expect(found.filter((bogus) => bogus > 0).length).toBeGreaterThan(found.length / 2)
  })
})
