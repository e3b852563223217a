// Goal: seven nodes start, elect one, and go on without three of them; without a fourth all refuse.
// OPENGSLB_FULL=1 runs it; it takes some minutes.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const ORDER = `/overwatch/backends/${CLUSTER_NAME}/10.0.1.10/80/override`

/** Of what was asked lately, who answers and who refuses. */
function sides(site: ClusterSite, nodes: readonly number[]) {
  const since = machineMs() - 800
  const recent = site.heard.filter(({ node, sentMs }) => nodes.includes(node) && sentMs >= since)
  const answering = new Set(recent.filter((one) => site.isAnswer(one)).map(({ node }) => node))
  const refusing = new Set(recent.filter(({ rcode }) => rcode === REFUSED).map(({ node }) => node))
  return { answering, refusing }
}

const settled = (site: ClusterSite, nodes: readonly number[]) =>
  until(
    'one answers and the others refuse',
    () => {
      const { answering, refusing } = sides(site, nodes)
      return answering.size === 1 && refusing.size === nodes.length - 1
    },
    120_000,
  )

describe.runIf(has('etcd', 'curl'))('seven nodes', () => {
  const NODES = [1, 2, 3, 4, 5, 6, 7]
  const site = new ClusterSite()
  let alive = NODES

  beforeAll(async () => {
    await site.form(NODES.length, 400_000)
    site.ask(NODES.length, 20)
  }, 420_000)
  afterAll(() => site.close(), 60_000)

  test('are voters, of which one answers and six refuse', async () => {
    await settled(site, NODES)
    expect(await site.isWhole(7, 4)).toBe(true)
  }, 150_000)

  for (const loss of ['first', 'second', 'third'])
    test(`lose a ${loss} leader to kill -9, and another answers`, async () => {
      const [leader] = sides(site, alive).answering
      expect(leader).toBeDefined()
      const fromMs = machineMs()
      site.program(leader!).signal('SIGKILL')
      alive = alive.filter((node) => node !== leader)
      const first = () =>
        site.heard.find(
          (one) => alive.includes(one.node) && one.sentMs >= fromMs && site.isAnswer(one),
        )
      await until('another answers', () => first() !== undefined, 20_000)
      process.stdout.write(`${loss} of seven: ${Math.round(first()!.gotMs - fromMs)} ms\n`)
      expect(site.doubled(fromMs)).toEqual([])
      await settled(site, alive)
      // An order needs four of seven.
      const order = { healthy: true, reason: loss }
      expect(await site.api(alive[0]!, 'POST', ORDER, order)).toContain('"success":true')
    }, 180_000)

  test('without a fourth nobody answers', async () => {
    const [leader] = sides(site, alive).answering
    site.program(leader!).signal('SIGKILL')
    alive = alive.filter((node) => node !== leader)
    await sleep(3_000)
    await until('all refuse', () => sides(site, alive).refusing.size === alive.length, 20_000)
    expect(sides(site, alive).answering.size).toBe(0)
  }, 60_000)
})
