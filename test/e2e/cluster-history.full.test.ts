// Goal: on real etcd every order that was acknowledged is there afterwards, and the orders of each
// server are linearizable, under kills, stops, cuts, full disks, slow syncs and set clocks.
// Method: three built programs in namespaces, each with a disk of its own in memory and a clock
// that can be set, orders given to nodes at random, reads of the store by a quorum, and the checker
// of test/harness/history.ts. OPENGSLB_FULL=1 runs it; OPENGSLB_FAULTS says how many faults (10),
// OPENGSLB_SEED which.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import { keyOfRecord, recordOf } from '../../src/core/cluster/records.ts'
import { base64 } from '../../src/core/cluster/gateway.ts'
import { overrideEvent } from '../../src/core/health/shared-bodies.ts'
import { ClockShim } from '../harness/clock-shim.ts'
import { ClusterSite, CLUSTER_NAME, machineMs } from '../harness/cluster-site.ts'
import { judge, type Operation } from '../harness/history.ts'
import { until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const FAULTS = Number(process.env['OPENGSLB_FAULTS'] ?? 10)
const SEED = Number(process.env['OPENGSLB_SEED'] ?? 1)
const SERVERS = ['10.0.1.10', '10.0.1.11'] as const
const PLACE = /\/raft$/

/** A folder of 200 MB in memory, which can be full. */
const mount = (folder: string) =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'x', folder])

describe.runIf(has('etcd', 'curl', 'strace', 'fallocate', 'gcc'))('orders under faults', () => {
  const mounted: string[] = []
  const clocks = mkdtempSync(join(tmpdir(), 'opengslb-clocks-'))
  const clock = new ClockShim(clocks)
  const site = new ClusterSite({
    raft: '    snapshot_interval: 5s',
    prefix: (node) => clock.prefix(`${node}`),
    prepare: (folder) => {
      spawnSync('mkdir', ['-p', `${folder}/raft`])
      if (mount(`${folder}/raft`).status === 0) mounted.push(`${folder}/raft`)
    },
  })
  const random = seededRandom(SEED)
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!
  const history = new Map<string, Operation[]>(SERVERS.map((one) => [one, []]))
  let acknowledged = 0
  let written = 0

  const raft = (node: number) => `${site.program(node).folder}/raft`

  /** A linearizable read through the member of a node; undefined without an answer. */
  function read(node: number, address: string): Promise<string | undefined> {
    const id = `${CLUSTER_NAME}:${address}:80`
    const place = keyOfRecord({ kind: 'override', id })
    return new Promise((resolve) => {
      const socketPath = `${raft(node)}/client:0`
      const sent = request({ socketPath, path: '/v3/kv/range', method: 'POST', timeout: 2_000 })
      sent.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => {
          if (response.statusCode !== 200) return resolve(undefined)
          const { kvs = [] } = JSON.parse(text) as { kvs?: { value: string }[] }
          const record = kvs[0] && recordOf({ key: place, value: kvs[0].value })
          const event = record && overrideEvent(record)
          resolve(event?.kind === 'override-set' ? event.reason : '')
        })
      })
      sent.on('timeout', () => sent.destroy())
      sent.on('error', () => resolve(undefined))
      sent.end(JSON.stringify({ key: base64(place) }))
    })
  }

  async function write(node: number, address: string, reason: string): Promise<boolean> {
    const path = `/api/v1/overwatch/backends/${CLUSTER_NAME}/${address}/80/override`
    const url = `http://${site.address(node)}:8080${path}`
    const body = JSON.stringify({ healthy: true, reason })
    const head = ['-H', 'content-type: application/json', '-o', '/dev/null', '-w', '%{http_code}']
    const words = ['curl', '-s', '-m', '2', '-X', 'POST', url, ...head, '-d', body]
    return (await site.lab.run(site.lab.place(node), ...words)).trim() === '200'
  }

  async function client(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(random.below(150))
      const [node, address] = [pick(NODES), pick(SERVERS)]
      const list = history.get(address)!
      const calledMs = machineMs()
      if (random.below(3) > 0) {
        const value = await read(node, address)
        if (value !== undefined) list.push({ kind: 'read', value, calledMs, endedMs: machineMs() })
      } else {
        const value = `w${++written}`
        const open = { kind: 'write', value, calledMs, endedMs: Number.POSITIVE_INFINITY } as const
        const at = list.push(open) - 1
        if (!(await write(node, address, value))) continue
        acknowledged++
        list[at] = { ...open, endedMs: machineMs() }
      }
    }
  }

  const faults: readonly [string, (node: number) => Promise<() => Promise<void>>][] = [
    [
      'kill',
      async (node) => {
        site.program(node).signal('SIGKILL')
        return async () => {
          await site.program(node).exited()
          site.start(node)
        }
      },
    ],
    [
      'stop',
      async (node) => {
        await site.signal(node, 'SIGSTOP')
        return () => site.signal(node, 'SIGCONT')
      },
    ],
    [
      'cut',
      async (node) => {
        site.cut(node)
        return async () => site.heal(node)
      },
    ],
    [
      'full disk',
      async (node) => {
        const filler = `${raft(node)}/filler`
        const all = `fallocate -l $(df --output=avail -B1 ${raft(node)} | tail -1) ${filler}`
        spawnSync('sh', ['-c', all])
        return async () => void spawnSync('rm', ['-f', filler])
      },
    ],
    [
      'slow sync',
      async (node) => {
        const own = site.program(node).pid
        const found = await output('pgrep', ['-P', String(own), 'etcd']).catch(() => '')
        const pid = found.trim()
        if (pid === '') return async () => {}
        const inject = 'inject=fdatasync:delay_enter=150000'
        const words = ['-f', '-qq', '-p', pid, '-e', 'trace=fdatasync', '-e', inject]
        const strace = spawn('strace', [...words, '-o', '/dev/null'], { stdio: 'ignore' })
        const ended = new Promise((resolve) => strace.on('exit', resolve))
        return async () => {
          // It lets go of the process; killed outright it would leave threads stopped.
          strace.kill('SIGTERM')
          await ended
        }
      },
    ],
    [
      'set clock',
      async (node) => {
        clock.set(`${node}`, random.below(20_000) - 10_000)
        // It stays as it is: a clock that is put right is one more step.
        return async () => {}
      },
    ],
  ]

  beforeAll(async () => {
    await site.form(NODES.length)
    expect(mounted.every((folder) => PLACE.test(folder))).toBe(true)
  }, 240_000)

  afterAll(async () => {
    for (const program of site.programs.values()) program.signal('SIGKILL')
    for (const folder of mounted) spawnSync('umount', ['-l', folder])
    await site.close()
    rmSync(clocks, { recursive: true, force: true })
  }, 60_000)

  test(
    `are kept and linearizable, ${FAULTS} faults`,
    async () => {
      let isOver = false
      const clients = [1, 2, 3].map(() => client(() => isOver))
      const tally = new Map<string, number>()
      const fromMs = machineMs()
      for (let at = 0; at < FAULTS; at++) {
        const node = pick(NODES)
        const [name, strike] = pick(faults)
        tally.set(name, (tally.get(name) ?? 0) + 1)
        const heal = await strike(node)
        await sleep(300 + random.below(900))
        await heal()
        await sleep(100 + random.below(700))
        if (at % 50 === 49) {
          // What was found so far is told, for a run that is cut short.
          const verdicts = SERVERS.map((one) => judge(history.get(one)!))
          const said = verdicts.every(({ holds }) => holds) ? 'linearizable so far' : 'BROKEN'
          process.stdout.write(`${at + 1} faults, ${acknowledged} orders, ${said}\n`)
          for (const { holds, text } of verdicts) expect(holds, `seed ${SEED}: ${text}`).toBe(true)
        }
      }
      await until('all are back', () => site.isWhole(3, 1), 120_000)
      await sleep(3_000)
      isOver = true
      await Promise.all(clients)
      for (const address of SERVERS) {
        const calledMs = machineMs()
        const value = await read(1, address)
        expect(value).toBeDefined()
        history.get(address)!.push({ kind: 'read', value: value!, calledMs, endedMs: machineMs() })
        const { holds, text } = judge(history.get(address)!)
        expect(holds, `seed ${SEED}, ${address}: ${text}`).toBe(true)
        for (const node of NODES)
          await until(
            `node ${node} knows the last order`,
            async () =>
              value === '' || (await site.api(node, 'GET', '/overrides')).includes(`"${value}"`),
            20_000,
          )
      }
      const reads = [...history.values()].flat().filter(({ kind }) => kind === 'read').length
      const tookMs = Math.round((machineMs() - fromMs) / FAULTS)
      const said = [...tally].map(([name, count]) => `${count} ${name}`).join(', ')
      process.stdout.write(
        `${acknowledged} of ${written} orders acknowledged, ${reads} reads, under ${said}; ` +
          `${tookMs} ms a fault\n`,
      )
      expect(acknowledged).toBeGreaterThan(FAULTS)
    },
    FAULTS * 15_000 + 240_000,
  )
})
