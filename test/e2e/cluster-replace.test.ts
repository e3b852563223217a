// Goal: three nodes are replaced by deploy/scripts/rolling-update.sh with a command that returns
// before anything is done, and somebody answers at all times; and where a successor is refused the
// script stops at that node and says so.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, machineMs } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { rollingReplacement } from '../harness/rolling.ts'
import { isAlive, Succession } from '../harness/succession.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
/** An election takes longer, a hand-over less; a follower that is replaced costs nothing. */
const NO_ELECTION_MS = 500

const site = new ClusterSite()
const owners = () => NODES.map((node) => new Succession(site.program(node)).owner())

/** The longest time between two right answers, of whichever node. */
function longestGap(fromMs: number): number {
  const answers = site.heard.filter((one) => one.sentMs >= fromMs && site.isAnswer(one))
  const moments = answers.map(({ gotMs }) => gotMs).sort((a, b) => a - b)
  return Math.max(...moments.map((at, index) => at - (moments[index - 1] ?? at)))
}

async function whole(): Promise<void> {
  const all = async () => {
    for (const node of NODES) if (!(await site.isWhole(NODES.length, node))) return false
    return true
  }
  await until('all nodes see all', all, 90_000)
}

describe.runIf(has('etcd', 'curl', 'pgrep'))('three nodes that replace themselves', () => {
  beforeAll(async () => {
    await site.form(NODES.length)
    site.ask(NODES.length)
    await whole()
  }, 180_000)
  afterAll(async () => {
    for (const pid of owners()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await site.close()
  }, 60_000)

  test('do so one after the other, though the command returns at once', async () => {
    const [before, fromMs] = [owners(), machineMs()]
    const { said, code } = await rollingReplacement(site, NODES)
    expect(said).toContain('all 3 nodes are updated')
    expect(code).toBe(0)
    const after = owners()
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    await whole()
    const gapMs = longestGap(fromMs)
    process.stdout.write(`replaced: longest time without an answer ${gapMs.toFixed(0)} ms\n`)
    expect(gapMs).toBeLessThan(NO_ELECTION_MS)
    expect(site.doubled(fromMs)).toEqual([])
  }, 240_000)

  test('and where a successor is refused the others are left alone', async () => {
    const before = owners()
    for (const node of NODES) {
      const { configPath } = site.program(node)
      writeFileSync(configPath, `${readFileSync(configPath, 'utf8')}\nunknown_key: 1\n`)
    }
    const { said, code } = await rollingReplacement(site, NODES, 8)
    expect(said).toMatch(
      /the old process still runs on [\d.]+ after 8 s, its log says why: stopped/,
    )
    expect(said.match(/updating/g)).toHaveLength(1)
    expect(code).toBe(1)
    expect(owners()).toEqual(before)
  }, 120_000)
})
