/**
 * Goal: one address on two nodes. A drain and an upgrade of a node lose no query; a kill loses only
 * what was on its way to that node until the route is gone.
 * Method: a router with BIRD and two nodes with BIRD, then with FRR, in network namespaces, by the
 * files of deploy/anycast; a client behind the router asks from many ports, so that both nodes are
 * asked.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Program, projectRoot, until } from '../harness/program.ts'
import { SlowLines } from '../harness/slow-lines.ts'
import { has, output } from '../harness/tools.ts'

const isPossible = process.getuid?.() === 0 && has('ip', 'bird', 'birdc', 'dig', 'curl', 'c++')
const files = join(projectRoot, 'deploy', 'anycast')
const FRR = '/usr/lib/frr'
const VIP = '10.99.99.53'
const ZONE = 'anycast.test'
const RATE = 400

interface Tally {
  readonly asked: number
  readonly right: number
  readonly wrong: number
  readonly lost: readonly number[]
}

const children: ChildProcess[] = []
/** To be removed. */
const folders: string[] = []
let spaces: SlowLines
let router = ''
let client = ''

const ip = (...words: readonly string[]): void => {
  const done = spawnSync('ip', words, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`ip ${words.join(' ')}: ${done.stderr}`)
}

/** A pair of interfaces between two namespaces, an address on each. */
function cable(one: readonly string[], other: readonly string[]): void {
  const [here, device, address] = one as [string, string, string]
  const [there, peer, its] = other as [string, string, string]
  ip('-n', here, 'link', 'add', device, 'type', 'veth', 'peer', 'name', peer, 'netns', there)
  for (const [space, name, cidr] of [
    [here, device, address],
    [there, peer, its],
  ] as const) {
    ip('-n', space, 'addr', 'add', cidr, 'dev', name)
    ip('-n', space, 'link', 'set', 'dev', name, 'up')
  }
}

function start(space: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [command = '', ...rest] = [...spaces.inside(space), ...words]
  const child = spawn(command, rest, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

/** What announces the address on a node. */
interface Routing {
  readonly name: string
  readonly isInstalled: boolean
  /** Of deploy/anycast. */
  readonly config: string
  /** For opengslb-anycast. */
  env(folder: string, space: string): NodeJS.ProcessEnv
  /** Starts it with the configuration that lies in `file`. */
  start(space: string, folder: string, file: string): void
}

const routings: readonly Routing[] = [
  {
    name: 'BIRD',
    isInstalled: has('bird', 'birdc'),
    config: 'bird-node.conf',
    env: (folder) => ({ BIRDC: `birdc -s ${folder}/bird.ctl` }),
    start: (space, folder) => bird(space, folder),
  },
  {
    name: 'FRR',
    isInstalled: has('vtysh') && existsSync(join(FRR, 'bgpd')),
    config: 'frr-node.conf',
    env: (_, space) => ({
      ...{ BIRDC: join(files, 'opengslb-route'), PROTOCOL: `${VIP}/32` },
      VTYSH: `vtysh --vty_socket ${frrFolder(space)}`,
    }),
    start: frr,
  },
]

class Node {
  readonly space: string
  readonly program: Program
  readonly #routing: Routing
  readonly #number: number
  readonly #env: NodeJS.ProcessEnv

  constructor(number: number, routing: Routing) {
    this.#number = number
    this.#routing = routing
    this.space = spaces.space(`n${number}`, `${VIP}/32`)
    cable(
      [router, `n${number}`, `10.98.${number}.1/24`],
      [this.space, 'router', `10.98.${number}.2/24`],
    )
    spaces.route(this.space, 'default', 'via', `10.98.${number}.1`)
    this.program = new Program('', spaces.inside(this.space))
    const { folder } = this.program
    this.#env = {
      ...{ ADDRESS: VIP, ZONE, HELD: join(folder, 'held') },
      ...routing.env(folder, this.space),
    }
    this.program.configure(`
dns: { listen_address: "${VIP}:53", zones: [${ZONE}], rate_limit: { enabled: false } }
overwatch: { data_dir: "${folder}/data" }
api: { enabled: true, address: "127.0.0.1:8080" }
metrics: { enabled: false }
logging: { format: text }
`)
  }

  /** The routing of this node, and what watches over it. */
  announce(): void {
    const { folder } = this.program
    const { config } = this.#routing
    const text = readFileSync(join(files, config), 'utf8')
    const file = join(folder, config.replace('-node', ''))
    writeFileSync(file, text.replaceAll('10.98.1.', `10.98.${this.#number}.`))
    this.#routing.start(this.space, folder, file)
    start(this.space, [join(files, 'opengslb-anycast'), 'watch'], this.#env)
  }

  async anycast(verb: 'withdraw' | 'release'): Promise<void> {
    const done = start(this.space, [join(files, 'opengslb-anycast'), verb], this.#env)
    await new Promise((resolve) => done.once('exit', resolve))
  }

  /** The process that holds the data directory, which changes with an upgrade. */
  get pid(): number {
    const path = join(this.program.folder, 'data', 'owner.pid')
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  }
}

function bird(space: string, folder: string): void {
  const words = ['-f', '-c', 'bird.conf', '-s', 'bird.ctl', '-P', 'bird.pid']
  start(space, ['bird', ...words.map((word) => (word[0] === 'b' ? join(folder, word) : word))])
}

/** They run as a user of their own, for whom the folder of the program is closed. */
const frrFolder = (space: string): string => join(tmpdir(), `frr-${space}`)

/** Its daemons, then the one file that tells them all what to do, as its service does it. */
function frr(space: string, _: string, file: string): void {
  const folder = frrFolder(space)
  spawnSync('install', ['-d', '-o', 'frr', '-g', 'frr', folder])
  folders.push(folder)
  const sockets = ['-z', join(folder, 'zserv.api'), '--vty_socket', folder]
  for (const daemon of ['zebra', 'bgpd']) {
    const own = ['-f', '/dev/null', '-i', join(folder, `${daemon}.pid`), '-P', '0']
    start(space, [join(FRR, daemon), ...own, ...sockets])
  }
  const vtysh = `vtysh --vty_socket ${folder}`
  const isUp = `${vtysh} -c 'show bgp summary' > /dev/null 2>&1`
  start(space, ['sh', '-c', `until ${isUp}; do sleep 0.1; done; exec ${vtysh} -f ${file}`])
}

const waysTo = async (): Promise<number> => {
  const text = await output('ip', ['-n', router, 'route', 'show', VIP])
  return [...text.matchAll(/via 10\.98\./g)].length
}
const ways = (count: number) =>
  until(`${count} ways to the address`, async () => (await waysTo()) === count, 30_000)

/** What became of every question asked meanwhile. */
async function accounted(act: () => Promise<void>): Promise<Tally> {
  const script = join(projectRoot, 'test', 'harness', 'anycast-client.mjs')
  const asking = start(client, [process.execPath, script, VIP, ZONE, String(RATE)])
  let said = ''
  asking.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await until('it asks', () => said.includes('asking'))
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await act()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  asking.stdin?.end()
  await new Promise((resolve) => asking.once('exit', resolve))
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Tally
}

const told = (what: string, { asked, lost, wrong }: Tally) =>
  console.info(`${what}: ${asked} asked, ${lost.length} lost, ${wrong} wrong`)

for (const routing of routings)
  describe.runIf(isPossible && routing.isInstalled)(`two nodes with ${routing.name}`, () => {
    const nodes: Node[] = []

    beforeAll(async () => {
      spaces = new SlowLines()
      router = spaces.space('r')
      client = spaces.space('c')
      cable([router, 'c', '10.97.0.1/24'], [client, 'router', '10.97.0.2/24'])
      spaces.route(client, 'default', 'via', '10.97.0.1')
      for (const setting of ['ip_forward', 'fib_multipath_hash_policy'])
        spawnSync('ip', ['netns', 'exec', router, 'sysctl', '-qw', `net.ipv4.${setting}=1`])
      nodes.push(new Node(1, routing), new Node(2, routing))
      const { folder } = nodes[0]!.program
      const text = readFileSync(join(files, 'bird-router.conf'), 'utf8')
      const place = join(folder, 'router')
      spawnSync('mkdir', [place])
      writeFileSync(join(place, 'bird.conf'), text)
      bird(router, place)
      for (const node of nodes) {
        node.program.start()
        node.announce()
      }
      await ways(2)
    }, 90_000)

    afterAll(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL')
      for (const node of nodes) {
        try {
          // The process of an upgrade is no child of this one.
          if (node.pid > 0) process.kill(node.pid, 'SIGKILL')
        } catch {
          // It was killed before.
        }
        await node.program.remove()
      }
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
      spaces?.close()
    }, 30_000)

    test('a drain withdraws the route before the stop, and loses nothing', async () => {
      const [node] = nodes as [Node]
      const tally = await accounted(async () => {
        await node.anycast('withdraw')
        expect(await waysTo()).toBe(1)
        process.kill(node.pid, 'SIGTERM')
        await node.program.stop()
        node.program.start()
        await node.anycast('release')
        await ways(2)
      })
      told('drain, stop, start', tally)
      expect([tally.lost, tally.wrong]).toEqual([[], 0])
      expect(tally.right).toBe(tally.asked)
    }, 90_000)

    test('an upgrade keeps the route, and loses nothing', async () => {
      const [node] = nodes as [Node]
      const before = node.pid
      let fewest = 2
      const tally = await accounted(async () => {
        process.kill(before, 'SIGUSR2')
        await until(
          'another process holds the data directory',
          async () => {
            fewest = Math.min(fewest, await waysTo())
            return node.pid !== before && node.pid > 0
          },
          30_000,
        )
        await new Promise((resolve) => setTimeout(resolve, 3_000))
        fewest = Math.min(fewest, await waysTo())
      })
      told('upgrade', tally)
      expect([tally.lost, tally.wrong, fewest]).toEqual([[], 0, 2])
    }, 90_000)

    test('a kill loses only what went to that node until its route was gone', async () => {
      const [, node] = nodes as [Node, Node]
      let goneMs = 0
      const tally = await accounted(async () => {
        process.kill(node.pid, 'SIGKILL')
        goneMs = await ways(1)
      })
      told(`kill, route gone after ${Math.round(goneMs)} ms`, tally)
      const first = tally.lost[0] ?? 0
      expect(Math.max(0, ...tally.lost.map((at) => at - first))).toBeLessThan(goneMs + 500)
      expect(tally.lost.length).toBeLessThan((RATE * (goneMs + 500)) / 1_000)
      const after = await accounted(async () => {})
      expect([after.lost, after.wrong]).toEqual([[], 0])
    }, 90_000)
  })
