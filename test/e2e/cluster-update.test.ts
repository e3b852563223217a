// Goal: of three nodes of which one answers, a leader whose link to the others is lost ceases, though
// clients reach it still.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
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

describe.runIf(has('etcd', 'curl', 'pgrep'))('three nodes of which one answers', () => {
  beforeAll(async () => {
    await site.form(NODES.length)
    site.ask(NODES.length)
    await settled()
  }, 180_000)
  afterAll(() => site.close(), 60_000)

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
      site.heal(leader)
      await settled()
    },
    180_000,
  )
})
