/**
 * Goal: the seed's own file forms a cluster, by flags and by variables; every kind of order reaches
 * all nodes and the next leader; a node leaves by stopping; starts that cannot be say why.
 * Method: built programs and real etcd; beside cluster.test.ts, whose nodes have a file of tests.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLUSTER_NAME, ClusterSite } from '../harness/cluster-site.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const NODES = [1, 2, 3]
const example = readFileSync(`${projectRoot}config/examples/cluster-node.yaml`, 'utf8')

/** The example as it is shipped: its folder and its ports get the address of the node. */
class SeedSite extends ClusterSite {
  constructor() {
    super({ prefix: (node) => (node === 2 ? ['env', ...this.environment(node)] : []) })
  }

  override yaml(node: number, folder: string): string {
    const at = this.address(node)
    const placed = example
      .replace('":53"', `"${at}:5353"`)
      .replace('":9090"', `"${at}:9090"`)
      .replace('":8080"', `"${at}:8080"`)
      .replace('/var/lib/opengslb/raft', `${folder}/raft`)
      .replace('format: json', 'format: text')
    return `${placed}\noverwatch: { data_dir: ${folder}/data }\n`
  }

  /** What `node.env` of the guide has. */
  environment(node: number): readonly string[] {
    return [
      'OPENGSLB_CLUSTER_MODE=cluster',
      `OPENGSLB_CLUSTER_NODE_NAME=node-${node}`,
      `OPENGSLB_CLUSTER_BIND_ADDRESS=${this.address(node)}:7000`,
      `OPENGSLB_CLUSTER_JOIN=${this.address(1)}:7000`,
    ]
  }

  override flags(node: number): readonly string[] {
    if (node === 2) return []
    const own = super.flags(node)
    return node === 3 ? [...own.slice(0, -1), `${own.at(-1)},${this.address(2)}:7000`] : own
  }
}

interface Status {
  readonly leader_id?: string
  readonly cluster_size?: number
}

/** Who leads, as all of these say. */
async function leaderOf(site: ClusterSite, nodes: readonly number[]): Promise<number> {
  let leader = 0
  await until(
    'all name the same leader, which answers',
    async () => {
      const told = nodes.map((node) => site.read<Status>(node, '/cluster/status'))
      const names = new Set((await Promise.all(told)).map((one) => one?.leader_id))
      leader = Number([...names][0]?.replace('node-', '') ?? 0)
      if (names.size !== 1 || !nodes.includes(leader)) return false
      // Its servers may all be down.
      return /status: (NOERROR|SERVFAIL)/.test(await lookUp(site, leader))
    },
    60_000,
  )
  return leader
}

const lookUp = (site: ClusterSite, node: number, ...words: readonly string[]) => {
  const dig = ['dig', '+time=1', '+tries=1', '-p', '5353', `@${site.address(node)}`]
  return site.lab.run(site.lab.hub, ...dig, CLUSTER_NAME, ...words).catch(() => '')
}

const programs: Program[] = []

async function make(name: string, raft: number): Promise<Program> {
  const program = new Program('')
  program.configure(`
dns: { listen_address: "127.0.0.1:${await freePort()}", threads: 1 }
metrics: { enabled: false }
logging: { format: text }
overwatch: { data_dir: "${program.folder}/data" }
cluster:
  mode: cluster
  node_name: ${name}
  bind_address: "127.0.0.1:${raft}"
  join_address: "127.0.0.1:${await freePort()}"
  leave_on_stop: true
  raft: { data_dir: "${program.folder}/raft" }
`)
  programs.push(program)
  return program
}

/** Where nobody is. */
let nobody = ''
/** Asks there for 40 s, while the rest of this file runs. */
let lonely: Program | undefined
beforeAll(async () => {
  if (!has('etcd')) return
  nobody = `127.0.0.1:${await freePort()}`
  lonely = await make('lonely', await freePort())
  lonely.start(['--join', nobody])
})
afterAll(async () => {
  for (const program of programs) await program.remove()
}, 60_000)

describe.runIf(has('etcd', 'curl', 'dig'))('the file of the guide as it is shipped', () => {
  let site: SeedSite
  beforeAll(async () => {
    site = new SeedSite()
    await site.form(NODES.length)
  }, 180_000)
  afterAll(() => site.close(), 60_000)

  test('forms a cluster by flags and by variables, of which one answers', async () => {
    const leader = await leaderOf(site, NODES)
    for (const node of NODES) {
      expect(await site.read(node, '/cluster/status')).toMatchObject({ cluster_size: 3 })
      const said = await lookUp(site, node)
      if (node === leader) expect(said).toMatch(/status: (NOERROR|SERVFAIL)/)
      else expect(said).toContain('status: REFUSED')
    }
    expect(site.program(2).output).toContain('joined cluster" leader_id=node-1')
  }, 60_000)

  test('says that gossip is off, which has no key there', () => {
    for (const node of NODES)
      expect(site.program(node).output).toContain('cluster.gossip: is off without encryption_key')
  })

  test('answers by an order given anywhere, and starts again by the variables alone', async () => {
    const path = `/overwatch/backends/${CLUSTER_NAME}/10.0.2.10/80/override`
    const told = await site.api(2, 'POST', path, { healthy: true, reason: 'seed' })
    expect(told).not.toMatch(/"error"|not stored/)
    const answer = async () => (await lookUp(site, await leaderOf(site, NODES), '+short')).trim()
    await until('the leader answers', async () => (await answer()) === '10.0.2.10', 20_000)
    expect(await site.program(2).stop()).toBe(0)
    site.start(2)
    await until('it is back', () => site.isWhole(NODES.length), 60_000)
    for (const node of NODES)
      await until(`node ${node} knows the order`, async () =>
        (await site.api(node, 'GET', '/overrides')).includes('"seed"'),
      )
  }, 120_000)
})

interface Keys {
  readonly keys: readonly { readonly key_tag: number; readonly phase: string }[]
}

interface Ds {
  readonly ds_records: readonly {
    readonly key_tag: number
    readonly algorithm_number: number
    readonly digest_type: number
    readonly digest: string
  }[]
}

/** Stopping the third node is leaving. */
class LeavingSite extends ClusterSite {
  override yaml(node: number, folder: string): string {
    const text = super.yaml(node, folder)
    return node === 3 ? text.replace('mode: cluster', 'mode: cluster\n  leave_on_stop: true') : text
  }
}

describe.runIf(has('etcd', 'curl', 'dig', 'delv', 'pgrep'))('orders of every kind', () => {
  let site: LeavingSite
  const keysOf = async (node: number) => {
    const told = await site.read<Keys>(node, '/dnssec/status')
    return (told?.keys ?? []).map(({ key_tag: tag, phase }) => `${tag} ${phase}`).sort()
  }
  const anchorsPath = () => `${site.program(1).folder}/anchors`
  const validated = (node: number) => {
    const path = anchorsPath()
    const at = [`@${site.address(node)}`, '-p', '5353', '-a', path, '+root=example.com']
    return site.lab.run(site.lab.hub, 'delv', ...at, CLUSTER_NAME)
  }
  const knows = (node: number, path: string, text: string) =>
    until(`node ${node} has ${text} in ${path}`, async () =>
      (await site.api(node, 'GET', path)).includes(text),
    )
  let before: readonly string[] = []

  beforeAll(async () => {
    site = new LeavingSite()
    await site.form(NODES.length)
  }, 180_000)
  afterAll(() => site.close(), 60_000)

  /** By the one that leads the keys, which need not lead the cluster; the others refuse. */
  async function rolled(): Promise<string> {
    const ask = (node: number) =>
      site.api(node, 'POST', '/dnssec/rollover', { zone: 'example.com' })
    const told = await Promise.all(NODES.map(ask))
    const refused = told.filter((said) => said.includes('leads the keys of example.com: ask'))
    expect(refused).toHaveLength(2)
    return told.find((said) => !refused.includes(said)) ?? ''
  }

  async function know(node: number): Promise<void> {
    await knows(node, '/overrides', 'an override of tests')
    await knows(node, '/drains', 'a drain of tests')
    await knows(node, '/geo/mappings', '10.70.0.0/16')
    await knows(node, '/regions', 'eu-west-9')
    await until(`node ${node} rolls too`, async () => `${await keysOf(node)}` === `${before}`)
  }

  test('given to followers are known to all: drain, mapping, region, rollover', async () => {
    const leader = await leaderOf(site, NODES)
    const [one, other] = NODES.filter((node) => node !== leader) as [number, number]
    for (const node of NODES)
      await until(`node ${node} has a key`, async () => (await keysOf(node)).length === 1)
    const { ds_records: records } = (await site.read<Ds>(leader, '/dnssec/ds'))!
    // The DS that a parent has, which goes on with that of the old key.
    const anchors = records
      .map((ds) => [ds.key_tag, ds.algorithm_number, ds.digest_type, `"${ds.digest}"`].join(' '))
      .map((ds) => `"example.com." static-ds ${ds};`)
    writeFileSync(anchorsPath(), `trust-anchors { ${anchors.join(' ')} };\n`)
    expect(await validated(leader)).toContain('; fully validated')

    const drain = { service: CLUSTER_NAME, address: '10.0.1.11', force: true }
    const region = { name: 'eu-west-9', description: 'of tests' }
    const path = `/overwatch/backends/${CLUSTER_NAME}/10.0.1.10/80/override`
    for (const said of [
      await site.api(other, 'POST', path, { healthy: true, reason: 'an override of tests' }),
      await site.api(one, 'POST', '/drains', { ...drain, reason: 'a drain of tests' }),
      await site.api(other, 'PUT', '/geo/mappings', { cidr: '10.70.0.0/16', region: 'us-east-1' }),
      await site.api(one, 'POST', '/regions', region),
      await rolled(),
    ]) {
      expect(said).not.toBe('')
      expect(said).not.toMatch(/"error"|not stored/)
    }
    await until('there are two keys', async () => (await keysOf(other)).length === 2)
    before = await keysOf(other)
    for (const node of NODES) await know(node)
  }, 90_000)

  test('survive kill -9 of the leader, whose etcd dies with it; the next one signs on', async () => {
    const leader = await leaderOf(site, NODES)
    const others = NODES.filter((node) => node !== leader)
    const etcd = (await output('pgrep', ['-P', `${site.program(leader).pid}`, 'etcd'])).trim()
    expect(readFileSync(`/proc/${etcd}/comm`, 'utf8')).toBe('etcd\n')
    site.program(leader).signal('SIGKILL')
    await site.program(leader).exited()
    await until('its etcd is gone', () => !existsSync(`/proc/${etcd}`), 2_000)
    const next = await leaderOf(site, others)
    await know(next)
    const addresses = await lookUp(site, next, '+short')
    expect(addresses.trim()).toBe('10.0.1.10')
    expect(await validated(next)).toContain('; fully validated')
    const said = await site.api(next, 'GET', '/events?topics=cluster')
    expect(said).toContain(`"kind":"leader-elected","data":{"leader":"node-${next}"`)
    expect(said).toContain('"kind":"leadership-gained"')
    site.start(leader)
    await until('it is back', () => site.isWhole(NODES.length, next), 60_000)
    await know(leader)
  }, 120_000)

  test('a node with leave_on_stop leaves by stopping, and comes back as a new member', async () => {
    // A cluster in which a member has just come back changes nothing for some seconds.
    await until('node 1 hears all', () => site.isWhole(NODES.length), 30_000)
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    expect(await site.program(3).stop()).toBe(0)
    expect(site.program(3).output).toContain('this node left the cluster')
    const raft = readdirSync(`${site.program(3).folder}/raft`)
    expect(raft).not.toContain('etcd')
    expect(raft.some((name) => name.startsWith('etcd'))).toBe(true)
    await until('two are left, and whole', () => site.isWhole(2), 20_000)
    const leader = await leaderOf(site, [1, 2])
    site.start(3)
    await until('it votes again', () => site.isWhole(NODES.length, leader), 60_000)
    await know(3)
  }, 120_000)
})

describe.runIf(has('etcd'))('a start that real etcd ends', () => {
  test('on a port that is taken, or with nobody to join, names the key', async () => {
    const taken = await freePort()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve))
    const held = await make('held', taken)
    held.start(['--bootstrap'])
    expect(await held.exited()).toBe(1)
    expect(held.output).toContain('cluster.bind_address is taken by another program')
    server.close()
    expect(await lonely?.exited()).toBe(1)
    expect(lonely?.output).toContain('cluster.join: no member lets this node in')
    expect(lonely?.output).toContain(nobody)
  }, 120_000)

  test('of two nodes that each founded a cluster says so, once one lists the other', async () => {
    const [at, other] = [await freePort(), await freePort()]
    const [one, two] = [await make('one', at), await make('two', other)]
    one.start(['--bootstrap'])
    two.start(['--bootstrap'])
    for (const node of [one, two]) await node.logged('this node is now the cluster leader', 60_000)
    expect(await one.stop()).toBe(0)
    expect(one.output).toContain('this node stays a member: it could not leave')
    expect(one.output).toContain('one is the only member')
    one.start(['--bootstrap', '--join', `127.0.0.1:${other}`])
    await one.logged('two clusters: a node of cluster.join is a member of another one', 60_000)
    expect(one.output).toContain(`node=127.0.0.1:${other}`)
  }, 120_000)
})
