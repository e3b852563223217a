/**
 * What a client's draw costs in a sticky pool, of a network that no thread remembers: nanoseconds
 * of a whole decision, by the number of servers; beside it what a draw of every server costs.
 *
 * Rounds of all cases are interleaved and the least of each compared. Further: laying the rings,
 * a change of health with the draw after it, how evenly clients fall, and what is left on the heap.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { decide, type Question } from '../../src/core/steer/decide.ts'
import { layPools, layWords, type PoolLayout } from '../../src/core/steer/pool-layout.ts'
import { Pools } from '../../src/core/steer/pools.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { DOWN, UP } from '../../test/harness/pools.ts'
import { report, sized } from '../support/report.ts'

const sizes = [3, 100, 200, 1_000, 10_000, 65_535]
const rounds = sized(30, 2)
const out = new Int32Array(32)
const question: Question = { family: 4, turn: 0, client: Uint8Array.of(10, 0, 0, 0) }

const specOf = (servers: number): ServingPool => ({
  ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'round-robin' },
  ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0 },
  sticky: { bits4: 32, bits6: 48, balance: 1.25 },
  members: Array.from({ length: servers }, (_, at) => ({
    ...{ key: `k${at}`, address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` },
    ...{ port: 80, region: '', weight: 100 },
  })),
})

let asked = 0
/** Nanoseconds each of so many decisions for clients never seen. */
function timed(pools: Pools, count: number): number {
  const { client } = question
  const began = process.hrtime.bigint()
  for (let turn = 0; turn < count; turn++) {
    const number = Math.imul(++asked, 0x9e3779b1)
    client[0] = number
    client[1] = number >>> 8
    client[2] = number >>> 16
    client[3] = number >>> 24
    decide(pools, 0, question, out)
  }
  return Number(process.hrtime.bigint() - began) / count
}

interface Case {
  readonly servers: number
  readonly ring: Pools
  readonly every: Pools
  readonly layMs: number
  readonly layEveryMs: number
}

function layTimed(spec: ServingPool): [PoolLayout, number] {
  const began = process.hrtime.bigint()
  const layout = layPools([spec])
  return [layout, Number(process.hrtime.bigint() - began) / 1e6]
}

const cases = sizes.map((servers): Case => {
  const spec = specOf(servers)
  const words = layWords([spec], [spec.members.map(() => UP)])
  layTimed(spec)
  const { sticky: _, ...bare } = spec
  const [, layEveryMs] = layTimed(bare)
  const [layout, layMs] = layTimed(spec)
  const { rings: __, ...none } = layout
  return {
    ...{ servers, layMs, layEveryMs },
    ring: new Pools(layout, words),
    every: new Pools(none, words),
  }
})

const ringNs = cases.map(() => Number.POSITIVE_INFINITY)
const everyNs = cases.map(() => Number.POSITIVE_INFINITY)
const downNs = cases.map(() => Number.POSITIVE_INFINITY)
const changeNs = cases.map(() => Number.POSITIVE_INFINITY)
const changeEveryNs = cases.map(() => Number.POSITIVE_INFINITY)

/** One server goes or comes, and a client asks. */
function changed(pools: Pools, servers: number, count: number): number {
  const began = process.hrtime.bigint()
  for (let step = 0; step < count; step++) {
    const member = Math.imul(step >> 1, 0x9e3779b1) >>> 0
    pools.setWord(0, member % servers, (step & 1) === 0 ? DOWN : UP)
    timed(pools, 1)
  }
  return Number(process.hrtime.bigint() - began) / count
}

for (let round = 0; round < rounds; round++)
  for (const [at, { servers, ring, every }] of cases.entries()) {
    ringNs[at] = Math.min(ringNs[at]!, timed(ring, sized(20_000, 500)))
    const few = Math.max(20, Math.floor(sized(2_000_000, 20_000) / servers))
    everyNs[at] = Math.min(everyNs[at]!, timed(every, few))
    const changes = sized(200, 20)
    changeNs[at] = Math.min(changeNs[at]!, changed(ring, servers, changes))
    changeEveryNs[at] = Math.min(changeEveryNs[at]!, changed(every, servers, changes))
  }
// Half of all servers are down.
for (const [at, { servers, ring }] of cases.entries()) {
  for (let member = 0; member < servers; member++)
    if ((Math.imul(member, 0x9e3779b1) >>> 16) & 1) ring.setWord(0, member, DOWN)
  for (let round = 0; round < rounds; round++)
    downNs[at] = Math.min(downNs[at]!, timed(ring, sized(5_000, 500)))
  for (let member = 0; member < servers; member++) ring.setWord(0, member, UP)
}

/** How far from even clients fall, apart from what chance does; of 1. */
function unevenness({ servers, ring }: Case): number {
  const counts = new Float64Array(servers)
  const each = sized(200, 5)
  for (let turn = 0; turn < each * servers; turn++) {
    timed(ring, 1)
    counts[out[0]!]!++
  }
  const square = counts.reduce((sum, count) => sum + (count / each - 1) ** 2, 0) / servers
  return Math.sqrt(Math.max(0, square - 1 / each))
}

async function collections(): Promise<number> {
  let count = 0
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  global.gc?.()
  await turn()
  observer.observe({ entryTypes: ['gc'] })
  timed(cases.at(-1)!.ring, sized(10_000_000, 20_000))
  for (let wait = 0; wait < 3; wait++) await turn()
  observer.disconnect()
  return count
}

const collected = await collections()
const named = (what: string, values: readonly number[]) =>
  cases.map(({ servers }, at): [string, number] => [`${what}, ${servers} servers`, values[at]!])
const [small, most] = [ringNs[3]!, ringNs.at(-1)!]
report(
  'sticky',
  Object.fromEntries([
    ...named('ns a new network', ringNs),
    ...named('ns by a draw of every server', everyNs),
    ...named('ns with half of them down', downNs),
    ...named('ns of a change and an answer', changeNs),
    ...named('ns of the same by a draw of every server', changeEveryNs),
    ...named(
      'ms to lay the pool',
      cases.map(({ layMs }) => layMs),
    ),
    ...named(
      'ms to lay it without rings',
      cases.map(({ layEveryMs }) => layEveryMs),
    ),
    ['unevenness, 1,000 servers', unevenness(cases[3]!)],
    ['unevenness, 10,000 servers', unevenness(cases[4]!)],
    ['collections in 10 million draws', collected],
  ]),
  {
    holds: most < sized(2_500, 50_000) && most < sized(4, 40) * small && collected <= 3,
    sentence:
      `a new network costs ${small.toFixed(0)} ns with 1,000 servers, ` +
      `${most.toFixed(0)} with 65,535`,
  },
)
