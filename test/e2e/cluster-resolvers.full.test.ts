// Goal: resolvers with three name servers, of which two refuse, lose no lookup while the leader is
// killed, stopped, cut off or told to go, and while all three are updated by the guide's script;
// and followers say REFUSED again once another leads.
// Method: three built programs with etcd in namespaces; glibc with its defaults and with short
// times, and two unbounds as forwarders, each beginning a lookup every 20 ms
// (test/harness/lookups.mjs). OPENGSLB_FULL=1 runs it; OPENGSLB_RUNS says how often each fault
// strikes (3), OPENGSLB_FAULT which (update: the script alone).
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { Lookups } from '../harness/lookups.ts'
import { until } from '../harness/program.ts'
import { rollingUpdate } from '../harness/rolling.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const RUNS = Number(process.env['OPENGSLB_RUNS'] ?? 3)
const ONLY = process.env['OPENGSLB_FAULT']
const EVERY_MS = 20
/** A lookup that began in the gap may end three tries of five seconds later. */
const LONGEST_MS = 120_000

type Act = (site: ClusterSite, node: number) => Promise<void>
const restart: Act = async (site, node) => {
  await site.program(node).exited()
  site.start(node)
}

const faults: readonly [name: string, strike: Act, heal: Act][] = [
  ['kill', async (site, node) => site.program(node).signal('SIGKILL'), restart],
  [
    'stop',
    (site, node) => site.signal(node, 'SIGSTOP'),
    (site, node) => site.signal(node, 'SIGCONT'),
  ],
  ['partition', async (site, node) => site.cut(node), async (site, node) => site.heal(node)],
  ['term', async (site, node) => site.program(node).signal('SIGTERM'), restart],
]

describe.runIf(has('etcd', 'curl', 'unbound', 'unshare', 'getent'))('three nodes', () => {
  const site = new ClusterSite({ dns: 53 })
  const servers = NODES.map((node) => site.address(node))

  /** Who answered, and who refused, in the last half second. */
  const heardOf = () => {
    const recent = site.heard.filter(({ sentMs }) => sentMs >= machineMs() - 500)
    const answering = new Set(recent.filter((one) => site.isAnswer(one)).map(({ node }) => node))
    const refusing = new Set(recent.filter(({ rcode }) => rcode === REFUSED).map((one) => one.node))
    return { answering, refusing }
  }

  async function settled(): Promise<number> {
    let leader = 0
    await until(
      'one answers, the others refuse, all are well',
      async () => {
        const { answering, refusing } = heardOf()
        leader = [...answering][0] ?? 0
        return answering.size === 1 && refusing.size === 2 && (await site.isWhole(3, leader))
      },
      90_000,
    )
    return leader
  }

  beforeAll(async () => {
    await site.form(NODES.length, 240_000)
    site.ask(NODES.length, 20)
  }, 300_000)

  afterAll(() => site.close(), 60_000)

  for (const [name, strike, heal] of faults.filter(([name]) => (ONLY ?? name) === name))
    test(
      `lose no lookup of glibc and unbound: ${name} of the leader, ${RUNS} times`,
      async () => {
        let [total, longestMs, refused] = [0, 0, 0]
        const lost: string[] = []
        for (let run = 1; run <= RUNS; run++) {
          const leader = await settled()
          site.heard.length = 0
          const lookups = new Lookups(site.lab.hub, servers, CLUSTER_NAME, EVERY_MS)
          await until('clients ask', () => lookups.all.length > 100, 30_000)
          await site.pids(leader)
          const struckMs = machineMs()
          await strike(site, leader)
          await sleep(2_500)
          await heal(site, leader)
          await sleep(1_500)
          await lookups.finish()
          lookups.close()
          total += lookups.all.length
          for (const { tookMs } of lookups.all) longestMs = Math.max(longestMs, tookMs)
          // The longest of them says when the one that all wait for began.
          const told = [...lookups.lost]
            .sort((a, b) => b.tookMs - a.tookMs)
            .map(({ client, startedMs, tookMs }) =>
              [client, (startedMs - struckMs).toFixed(0), `+${tookMs.toFixed(0)} ms`].join(' '),
            )
          lost.push(...told)
          const gap = site.heard.find(
            (one) => one.node !== leader && one.sentMs >= struckMs && site.isAnswer(one),
          )
          // One that is cut off from the others still answers clients for a while.
          const lastMs = site.heard.findLast(
            (one) =>
              one.node === leader && site.isAnswer(one) && one.sentMs < (gap?.sentMs ?? Infinity),
          )?.sentMs
          const fromMs = Math.max(struckMs, lastMs ?? 0)
          // Questions that were refused while nobody else could answer them.
          const untrue = site.heard.filter(
            ({ sentMs, rcode }) =>
              rcode === REFUSED && sentMs > fromMs && sentMs < (gap?.sentMs ?? Infinity),
          ).length
          refused += untrue
          const gapMs = ((gap?.gotMs ?? Number.NaN) - struckMs).toFixed(0)
          process.stdout.write(
            `${name} ${run}/${RUNS}: load ${loadavg()[0]!.toFixed(0)}, ` +
              `${lookups.all.length} lookups, next answer ${gapMs} ms, refused ${untrue}, ` +
              `longest ${longestMs.toFixed(0)} ms, lost ${told.length} ${told.slice(0, 6).join('; ')}\n`,
          )
        }
        process.stdout.write(
          `${name}: ${total} lookups, ${lost.length} lost; ${refused} questions refused that ` +
            `nobody else could answer\n`,
        )
        expect(lost).toEqual([])
      },
      RUNS * LONGEST_MS,
    )

  test.runIf((ONLY ?? 'update') === 'update')(
    'lose no lookup of glibc and unbound while all are updated by the script, the leader last',
    async () => {
      const leader = await settled()
      const lookups = new Lookups(site.lab.hub, servers, CLUSTER_NAME, EVERY_MS)
      await until('clients ask', () => lookups.all.length > 100, 30_000)
      const { said, order } = await rollingUpdate(site, NODES)
      await sleep(1_500)
      await lookups.finish()
      lookups.close()
      const { length } = lookups.all
      const longestMs = Math.max(...lookups.all.map(({ tookMs }) => tookMs))
      process.stdout.write(
        `update: load ${loadavg()[0]!.toFixed(0)}, ${length} lookups, ` +
          `longest ${longestMs.toFixed(0)} ms, lost ${lookups.lost.length}\n`,
      )
      expect(said).toContain('all 3 nodes are updated')
      expect(order).toEqual([...NODES.filter((node) => node !== leader), leader])
      expect(lookups.lost).toEqual([])
    },
    240_000,
  )
})
