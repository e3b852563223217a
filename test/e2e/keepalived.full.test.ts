// Goal: one address moves with the leadership of a cluster: whoever leads has it, nobody else, and
// clients that know no other address are answered again after the leader was killed or told to go.
// Method: three built programs with etcd and keepalived in namespaces on one bridge, keepalived by
// the file of deploy/anycast with its interface, address and port alone changed.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME, machineMs } from '../harness/cluster-site.ts'
import { projectRoot, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const VIP = '10.99.7.200'
/** A check each second, three advertisements of 0.3 s, and what an election takes. */
const MOVES_MS = 8_000

const isPossible = process.getuid?.() === 0 && has('etcd', 'curl', 'dig', 'keepalived', 'ip')

describe.runIf(isPossible)('an address that keepalived moves', () => {
  const site = new ClusterSite({ dns: 53, isWildcard: true })
  const daemons: ChildProcess[] = []

  function startKeepalived(node: number): void {
    const { folder } = site.program(node)
    const shipped = readFileSync(join(projectRoot, 'deploy/anycast/keepalived.conf'), 'utf8')
    const own = shipped
      .replace('10.99.99.1/32', `${VIP}/32`)
      .replace('127.0.0.1:8080', `${site.address(node)}:8080`)
    const file = join(folder, 'keepalived.conf')
    writeFileSync(file, own, { mode: 0o600 })
    const pids = ['-p', join(folder, 'keepalived.pid'), '-r', join(folder, 'vrrp.pid')]
    const words = [...site.lab.place(node), 'keepalived', '-n', '-P', '-f', file, ...pids]
    const [command, ...rest] = words
    daemons.push(spawn(command!, rest, { stdio: 'ignore' }))
  }

  const holds = async (node: number) =>
    (await site.lab.run(site.lab.place(node), 'ip', 'addr', 'show', 'dev', 'eth0')).includes(VIP)

  async function holders(): Promise<readonly number[]> {
    const held = await Promise.all(NODES.map(async (node) => ((await holds(node)) ? [node] : [])))
    return held.flat()
  }

  const answered = async () => {
    const words = ['dig', `@${VIP}`, '+tries=1', '+time=1', '+noall', '+comments', CLUSTER_NAME]
    const said = await site.lab.run(site.lab.hub, ...words).catch(() => '')
    return said.includes('status: NOERROR') && said.includes('ANSWER: 1')
  }

  const settled = () =>
    until(
      'whoever answers has the address, alone',
      async () => {
        const [holder = 0, ...others] = await holders()
        if (holder === 0 || others.length > 0) return false
        const status = await site.read<{ is_leader?: boolean }>(holder, '/cluster/status')
        return status?.is_leader === true && (await answered())
      },
      60_000,
    )

  beforeAll(async () => {
    await site.form(NODES.length, 240_000)
    for (const node of NODES) startKeepalived(node)
  }, 300_000)

  afterAll(async () => {
    // Its namespace goes with the site: it has nothing to take back. Its child ends with it.
    for (const daemon of daemons) daemon.kill('SIGKILL')
    await site.close()
  }, 60_000)

  test('is on the leader, and on no other node', settled, 90_000)

  for (const [name, signal] of [
    ['killed', 'SIGKILL'],
    ['told to go', 'SIGTERM'],
  ] as const)
    test(`is on the next leader soon after the leader was ${name}`, async () => {
      await settled()
      const [leader = 0] = await holders()
      const fromMs = machineMs()
      site.program(leader).signal(signal)
      const isMoved = async () => !(await holders()).includes(leader) && (await answered())
      await until('the address is answered elsewhere', isMoved, 30_000)
      const tookMs = machineMs() - fromMs
      process.stdout.write(`${name}: answered again after ${tookMs.toFixed(0)} ms\n`)
      await site.program(leader).exited()
      site.start(leader)
      await settled()
      await until(
        'all are back',
        () =>
          site.isWhole(
            3,
            NODES.find((one) => one !== leader),
          ),
        60_000,
      )
      expect(tookMs).toBeLessThan(MOVES_MS)
    }, 150_000)
})
