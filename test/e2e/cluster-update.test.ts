// Goal: three nodes as the cluster guide has them (one answers, the others refuse) are updated by
// deploy/scripts/rolling-update.sh, followers first and the leader last, and are asked all the
// while; a leader whose link to the others is lost ceases, though clients reach it still; and a
// node without a quorum counts itself alone.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { rollingUpdate } from '../harness/rolling.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
/** An election takes longer, a hand-over less; a follower that is updated costs nothing. */
const NO_ELECTION_MS = 500

const site = new ClusterSite()

async function settled(): Promise<number> {
  let leader = 0
  const isSettled = async () => {
    const recent = site.heard.filter(({ sentMs }) => sentMs >= machineMs() - 400)
    const answering = new Set(recent.filter((one) => site.isAnswer(one)).map(({ node }) => node))
    const refusing = new Set(recent.filter(({ rcode }) => rcode === REFUSED).map((one) => one.node))
    leader = [...answering][0] ?? 0
    return answering.size === 1 && refusing.size === 2 && (await site.isWhole(3, leader))
  }
  await until('one answers, the others refuse, all are well', isSettled, 90_000)
  return leader
}

/** Who is alive, by the list and by the metric of a node. */
async function alive(node: number): Promise<string> {
  const told = await site.read<{ members?: { id: string; is_alive: boolean }[] }>(
    node,
    '/cluster/members',
  )
  const names = (told?.members ?? []).filter((one) => one.is_alive).map(({ id }) => id)
  const metric = /^opengslb_cluster_members ([0-9]+)$/m.exec(await site.metrics(node))
  return [...names, metric?.[1]].join()
}

/** The longest time between two right answers, of whichever node. */
function longestGap(): number {
  const answers = site.heard.filter((one) => site.isAnswer(one))
  const moments = answers.map(({ gotMs }) => gotMs).sort((a, b) => a - b)
  return Math.max(...moments.map((at, index) => at - (moments[index - 1] ?? at)))
}

describe.runIf(has('etcd', 'curl', 'pgrep'))('three nodes of which one answers', () => {
  beforeAll(async () => {
    await site.form(NODES.length)
    site.ask(NODES.length)
    await settled()
  }, 180_000)
  afterAll(() => site.close(), 60_000)

  test('are updated by the script, the leader last, and one answers at all times', async () => {
    const leader = await settled()
    site.heard.length = 0
    const { said, order, code } = await rollingUpdate(site, NODES)
    expect(code).toBe(0)
    expect(said).toContain('all 3 nodes are updated')
    expect(order).toEqual([...NODES.filter((node) => node !== leader), leader])
    const next = await settled()
    expect(next).not.toBe(leader)
    const gapMs = longestGap()
    process.stdout.write(`rolling update: longest time without an answer ${gapMs.toFixed(0)} ms\n`)
    expect(gapMs).toBeLessThan(NO_ELECTION_MS)
    expect(site.program(leader).output).toContain('DNS queries will be refused (not leader)')
  }, 240_000)

  test.runIf(site.lab.inNamespaces)(
    'lose all that passes between the leader and the rest, and it ceases within 1.5 s',
    async () => {
      const leader = await settled()
      const rest = NODES.filter((node) => node !== leader)
      await sleep(2_000)
      // The API of another node from where a node lives: a port that no cluster needs.
      const asks = (from: number, to: number) => {
        const url = `http://${site.address(to)}:8080/api/v1/ready`
        const words = ['curl', '-s', '-o', '/dev/null', '-m', '1', '-w', '%{http_code}', url]
        return site.lab.run(site.lab.place(from), ...words)
      }
      const [one = 0, other = 0] = rest
      expect(await asks(leader, one)).toBe('200')
      const fromMs = machineMs()
      site.cut(leader)
      const answers = () =>
        site.heard.filter((heard) => heard.sentMs >= fromMs && site.isAnswer(heard))
      const first = () => answers().find(({ node }) => node !== leader)
      await until('another node answers', () => first() !== undefined, 10_000)
      expect([await asks(leader, one), await asks(other, leader)]).toEqual(['000', '000'])
      expect(await asks(one, other)).toBe('200')
      await sleep(500)
      const last = answers().findLast(({ node }) => node === leader)
      const ceasedMs = (last?.sentMs ?? fromMs) - fromMs
      const tookMs = first()!.gotMs - fromMs
      process.stdout.write(
        `cut off: next answer ${tookMs.toFixed(0)} ms, the old leader ceased ${ceasedMs.toFixed(0)} ms\n`,
      )
      expect(ceasedMs).toBeLessThan(1_500)
      expect(tookMs).toBeLessThan(2_000)
      expect(site.doubled(fromMs)).toEqual([])
      await until('it counts itself', async () => (await alive(leader)) === `node-${leader},1`)
      const both = `${rest.map((node) => `node-${node}`)},2`
      await until('the others count two', async () => (await alive(one)) === both)
      site.heal(leader)
      await settled()
    },
    180_000,
  )

  test('lose two by kill -9, and the third counts itself alone until they are back', async () => {
    const leader = await settled()
    const [third = 0, other = 0] = NODES.filter((node) => node !== leader)
    for (const node of [leader, other]) await site.signal(node, 'SIGKILL')
    await until('it counts itself', async () => (await alive(third)) === `node-${third},1`)
    await sleep(4_000)
    expect(await alive(third)).toBe(`node-${third},1`)
    for (const node of [leader, other]) site.start(node)
    await until('all are counted', async () => (await alive(third)).endsWith(',3'), 60_000)
  }, 120_000)
})
