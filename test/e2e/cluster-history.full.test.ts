// Goal: on real etcd every order that was acknowledged is there afterwards, and the orders of each
// kind (overrides and drains, given and ended; edits of a domain) are linearizable, under kills,
// stops, cuts, full disks, slow syncs and set clocks.
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
import { recordOf } from '../../src/core/cluster/records.ts'
import { base64 } from '../../src/core/cluster/gateway.ts'
import type { SharedRecord } from '../../src/core/gossip/peers/record.ts'
import { ClockShim } from '../harness/clock-shim.ts'
import {
  type Call,
  domainOf,
  drainOf,
  overrideOf,
  type Register,
} from '../harness/cluster-registers.ts'
import { ClusterSite, CLUSTER_NAME, machineMs } from '../harness/cluster-site.ts'
import { judge, type Operation } from '../harness/history.ts'
import { until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const FAULTS = Number(process.env['OPENGSLB_FAULTS'] ?? 10)
const SEED = Number(process.env['OPENGSLB_SEED'] ?? 1)
const MADE = 'made.example.com'
const REGISTERS = [
  overrideOf(CLUSTER_NAME, '10.0.1.10'),
  overrideOf(CLUSTER_NAME, '10.0.1.11'),
  drainOf(CLUSTER_NAME, '10.0.1.10'),
  domainOf(MADE),
]
/** Answers that say that nothing was done: no such order, and not allowed. */
const REFUSALS = ['404', '409']
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
  const history = new Map<Register, Operation[]>(REGISTERS.map((one) => [one, []]))
  let acknowledged = 0
  let cleared = 0
  let written = 0

  const raft = (node: number) => `${site.program(node).folder}/raft`

  /** A linearizable read through the member of a node; rejects without an answer. */
  function read(node: number, { place }: Register): Promise<SharedRecord | undefined> {
    return new Promise((resolve, reject) => {
      const socketPath = `${raft(node)}/client:0`
      const sent = request({ socketPath, path: '/v3/kv/range', method: 'POST', timeout: 2_000 })
      sent.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => {
          if (response.statusCode !== 200) return reject(new Error(text))
          const { kvs = [] } = JSON.parse(text) as { kvs?: { value: string }[] }
          resolve(kvs[0] && recordOf({ key: place, value: kvs[0].value }))
        })
      })
      sent.on('timeout', () => sent.destroy())
      sent.on('error', reject)
      sent.end(JSON.stringify({ key: base64(place) }))
    })
  }

  /** The status of its answer; 000 without one. */
  async function call(node: number, { method, path, body }: Call): Promise<string> {
    const url = `http://${site.address(node)}:8080/api/v1${path}`
    const head = ['-H', 'content-type: application/json', '-o', '/dev/null', '-w', '%{http_code}']
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
    const words = ['curl', '-s', '-m', '2', '-X', method, url, ...head, ...data]
    return (await site.lab.run(site.lab.place(node), ...words).catch(() => '000')).trim()
  }

  async function note(node: number, register: Register): Promise<SharedRecord | undefined> {
    const calledMs = machineMs()
    const record = await read(node, register)
    const value = record === undefined ? '' : register.valueOf(record)
    history.get(register)!.push({ kind: 'read', value, calledMs, endedMs: machineMs() })
    return record
  }

  /** All that a node says of orders. */
  const known = async (node: number): Promise<string> => {
    const paths = ['/overrides', '/drains', `/domains/${MADE}`]
    return (await Promise.all(paths.map((path) => site.api(node, 'GET', path)))).join('\n')
  }

  async function order(node: number, register: Register, what: Call, value: string) {
    const list = history.get(register)!
    const open = { kind: 'write', value, calledMs: machineMs(), endedMs: Infinity } as const
    const at = list.push(open) - 1
    const status = await call(node, what)
    // What was refused reads nothing, and never ends: it says nothing.
    if (REFUSALS.includes(status)) list[at] = { ...open, kind: 'read' }
    if (!status.startsWith('2')) return
    acknowledged++
    if (value === '') cleared++
    list[at] = { ...open, endedMs: machineMs() }
  }

  async function client(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(random.below(150))
      const [node, register] = [pick(NODES), pick(REGISTERS)]
      const kind = random.below(6)
      if (kind > 1) await note(node, register).catch(() => undefined)
      else if (kind === 1) {
        const value = `w${++written}`
        await order(node, register, register.write(value), value)
      } else {
        const record = await note(node, register).catch(() => undefined)
        const what = record && register.valueOf(record) !== '' ? register.clear(record) : undefined
        if (what !== undefined) await order(node, register, what, '')
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
    expect(await site.api(1, 'POST', '/domains', { name: MADE, ttl: 30 })).toContain(MADE)
    for (const node of NODES)
      await until(`node ${node} has it`, async () => (await known(node)).includes(MADE))
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
          const verdicts = REGISTERS.map((one) => judge(history.get(one)!))
          const said = verdicts.every(({ holds }) => holds) ? 'linearizable so far' : 'BROKEN'
          process.stdout.write(`${at + 1} faults, ${acknowledged} orders, ${said}\n`)
          for (const { holds, text } of verdicts) expect(holds, `seed ${SEED}: ${text}`).toBe(true)
        }
      }
      await until('all are back', () => site.isWhole(3, 1), 120_000)
      await sleep(3_000)
      isOver = true
      await Promise.all(clients)
      for (const register of REGISTERS) {
        const record = await note(1, register)
        const value = record === undefined ? '' : register.valueOf(record)
        const { holds, text } = judge(history.get(register)!)
        expect(holds, `seed ${SEED}, ${register.name}: ${text}`).toBe(true)
        for (const node of NODES)
          await until(
            `node ${node} knows the last ${register.name}`,
            async () => value === '' || (await known(node)).includes(`"${value}"`),
            20_000,
          )
      }
      const reads = [...history.values()].flat().filter(({ kind }) => kind === 'read').length
      const tookMs = Math.round((machineMs() - fromMs) / FAULTS)
      const said = [...tally].map(([name, count]) => `${count} ${name}`).join(', ')
      process.stdout.write(
        `${acknowledged} orders acknowledged, ${cleared} of them ends of one; ` +
          `${written} given; ${reads} reads, under ${said}; ` +
          `${tookMs} ms a fault\n`,
      )
      expect(acknowledged).toBeGreaterThan(FAULTS)
    },
    FAULTS * 15_000 + 240_000,
  )
})
