// Goal: in a cluster of which one node answers, the anycast address is announced by the leader
// alone: it moves when the leader is told to go or killed, and when it loses leadership but goes on
// running.
// Method: three built programs with etcd in namespaces on one bridge, BIRD on each and on the
// router that clients ask through, by the files of deploy/anycast with addresses alone changed.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME, machineMs } from '../harness/cluster-site.ts'
import { projectRoot, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const VIP = '10.99.99.53'
const ROUTER = '10.99.7.254'
/** An election, two looks of half a second, the hold time of three where a node is gone. */
const MOVES_MS = 8_000

const files = join(projectRoot, 'deploy/anycast')
const shipped = (name: string) => readFileSync(join(files, name), 'utf8')
const isPossible = process.getuid?.() === 0 && has('etcd', 'curl', 'dig', 'bird', 'birdc', 'ip')

describe.runIf(isPossible)('an address that BIRD announces', () => {
  const site = new ClusterSite({ dns: 53, isWildcard: true })
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-router-'))
  const children: ChildProcess[] = []

  function run(place: readonly string[], words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [command, ...rest] = [...place, ...words]
    children.push(spawn(command!, rest, { stdio: 'ignore', env: { ...process.env, ...env } }))
  }

  function bird(place: readonly string[], where: string, text: string): void {
    writeFileSync(join(where, 'bird.conf'), text)
    const own = ['-c', `${where}/bird.conf`, '-s', `${where}/bird.ctl`, '-P', `${where}/bird.pid`]
    run(place, ['bird', '-f', ...own])
  }

  function startRouter(): void {
    const third = `protocol bgp node3 from node {\n  neighbor ${site.address(3)} as 65001;\n}\n`
    const text = shipped('bird-router.conf')
      .replace('10.98.1.2', site.address(1))
      .replace('10.98.2.2', site.address(2))
    bird(site.lab.hub, folder, text + third)
  }

  async function startNode(node: number): Promise<void> {
    const [place, own] = [site.lab.place(node), site.program(node).folder]
    await site.lab.run(place, 'ip', 'addr', 'add', `${VIP}/32`, 'dev', 'lo')
    const text = shipped('bird-node.conf')
      .replaceAll('10.98.1.2', site.address(node))
      .replaceAll('10.98.1.1', ROUTER)
    bird(place, own, text)
    run(place, [join(files, 'opengslb-anycast'), 'watch'], {
      ...{ API: `http://${site.address(node)}:8080`, READY: '/api/v1/cluster/leader' },
      ...{ ADDRESS: VIP, ZONE: 'example.com', HELD: join(own, 'held') },
      BIRDC: `birdc -s ${own}/bird.ctl`,
    })
  }

  /** Nodes to which the router sends what is for the address. */
  async function ways(): Promise<readonly number[]> {
    const text = await site.lab.run(site.lab.hub, 'ip', 'route', 'show', VIP)
    return NODES.filter((node) => new RegExp(`via ${site.address(node)}\\b`).test(text))
  }

  async function isAnswered(): Promise<boolean> {
    const words = ['dig', `@${VIP}`, '+tries=1', '+time=1', '+noall', '+comments', CLUSTER_NAME]
    const said = await site.lab.run(site.lab.hub, ...words)
    return said.includes('status: NOERROR') && said.includes('ANSWER: 1')
  }

  /** The leader, once it alone is announced, and all are members. */
  async function settled(): Promise<number> {
    let leader = 0
    const isSettled = async () => {
      const [way = 0, ...others] = await ways()
      leader = way
      if (way === 0 || others.length > 0 || !(await site.isWhole(3, way))) return false
      const status = await site.read<{ is_leader?: boolean }>(way, '/cluster/status')
      return status?.is_leader === true && (await isAnswered())
    }
    await until('whoever leads is announced, alone', isSettled, 60_000)
    return leader
  }

  beforeAll(async () => {
    await site.form(NODES.length, 240_000)
    startRouter()
    for (const node of NODES) await startNode(node)
  }, 300_000)

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await site.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  test('is announced by the leader, and by no follower', async () => {
    const leader = await settled()
    // Some looks of the followers.
    await sleep(3_000)
    expect(await ways()).toEqual([leader])
  }, 90_000)

  const restart = async (node: number) => {
    await site.program(node).exited()
    site.start(node)
  }
  for (const [what, strike, heal] of [
    ['is cut off and goes on', (node) => site.cut(node), async (node) => site.heal(node)],
    ['is told to go', (node) => site.program(node).signal('SIGTERM'), restart],
    ['is killed', (node) => site.program(node).signal('SIGKILL'), restart],
  ] as readonly [string, (node: number) => void, (node: number) => Promise<void>][])
    test(`moves to the next leader when the leader ${what}`, async () => {
      const leader = await settled()
      const fromMs = machineMs()
      strike(leader)
      const isMoved = async () => {
        const to = await ways()
        return to.length > 0 && !to.includes(leader) && (await isAnswered())
      }
      await until('the address is answered by another', isMoved, 30_000)
      const tookMs = machineMs() - fromMs
      process.stdout.write(`${what}: answered by another after ${tookMs.toFixed(0)} ms\n`)
      const next = await ways()
      await heal(leader)
      // Back in the cluster it is a follower, and stays unannounced.
      expect([await settled()]).toEqual(next)
      expect(tookMs).toBeLessThan(MOVES_MS)
    }, 150_000)
})
