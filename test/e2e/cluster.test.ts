// Goal: the steps of the cluster guide as they are written, with three built programs and real
// etcd: start, look with curl, lose the leader, remove a node, add one, and orders that all know.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const site = new ClusterSite({ raft: '    snapshot_interval: 2s' })
const NODES = 3

interface Status {
  readonly [field: string]: unknown
  readonly is_leader?: boolean
  readonly leader_id?: string
}

const statusOf = (node: number) => site.read<Status>(node, '/cluster/status')

/** What a node answered last, of the questions sent since a moment. */
const lastOf = (node: number, sinceMs: number) =>
  site.heard.findLast((one) => one.node === node && one.sentMs >= sinceMs)

async function settled(nodes: readonly number[]): Promise<number> {
  let leader = 0
  await until(
    'one leads and the others refuse',
    () => {
      const sinceMs = machineMs() - 400
      const answers = nodes.map((node) => lastOf(node, sinceMs))
      leader = nodes.find((_, at) => answers[at] && site.isAnswer(answers[at])) ?? 0
      const refused = answers.filter((one) => one?.rcode === REFUSED).length
      return leader > 0 && refused === nodes.length - 1
    },
    60_000,
  )
  return leader
}

const tagsOf = async (node: number) => {
  const told = await site.read<{ keys: readonly { key_tag: number }[] }>(node, '/dnssec/status')
  return (told?.keys ?? []).map((key) => key.key_tag)
}

const cli = (node: number, ...words: readonly string[]) => {
  const own = [process.execPath, `${projectRoot}dist/cli/main.js`, '--api']
  const api = `http://${site.address(node)}:8080`
  return site.lab.run(site.lab.place(node), ...own, api, ...words)
}

describe.runIf(has('etcd', 'curl', 'pgrep'))('the cluster guide', () => {
  beforeAll(async () => {
    await site.form(NODES)
    site.ask(NODES)
    await settled([1, 2, 3])
  }, 180_000)
  afterAll(() => site.close(), 60_000)

  test('the first node says that it leads, and the others that they follow and refuse', () => {
    const first = site.program(1).output
    for (const line of [
      'mode=cluster',
      'initializing cluster mode components" node_name=node-1',
      'Raft node started',
      'leader elected" leader_id=node-1',
      'this node is now the cluster leader',
      'OpenGSLB running',
    ])
      expect(first).toContain(line)
    expect(first).toMatch(/DNS server initialized" .*cluster_mode=true/)
    for (const node of [2, 3])
      for (const line of [
        'joined cluster" leader_id=node-1',
        'this node is now a follower',
        'DNS queries will be refused (not leader)',
      ])
        expect(site.program(node).output).toContain(line)
  })

  test('status and members are told as the guide shows them, by every node', async () => {
    expect(await statusOf(1)).toMatchObject({
      mode: 'cluster',
      node_id: 'node-1',
      is_leader: true,
      leader_id: 'node-1',
      leader_address: `${site.address(1)}:7000`,
      cluster_size: 3,
      state: 'leader',
      raft: { state: 'leader' },
    })
    expect(await statusOf(2)).toMatchObject({ is_leader: false, state: 'follower' })
    const row = (node: number, state: string) => ({
      id: `node-${node}`,
      address: `${site.address(node)}:7000`,
      ...{ state, is_voter: true },
    })
    // A list is read each second.
    await until('node 3 knows of all votes', () => site.isWhole(NODES, 3))
    expect(await site.read(3, '/cluster/members')).toMatchObject({
      members: [row(1, 'Leader'), row(2, 'Follower'), row(3, 'Follower')],
    })
    expect(await cli(2, 'cluster')).toContain('Node node-2: follower, refuses queries')
    expect(await cli(2, 'cluster', 'members')).toMatch(/node-1 +\S+ +Leader +yes +yes/)
  })

  test('all sign with the keys of the first', async () => {
    const first = await tagsOf(1)
    expect(first).toHaveLength(1)
    for (const node of [2, 3])
      await until(`node ${node} has them`, async () => String(await tagsOf(node)) === String(first))
  })

  test('what announces the address is told 200 by the leader alone, and all are ready', async () => {
    const codes = await Promise.all(
      [1, 2, 3].flatMap((node) =>
        ['cluster/leader', 'ready'].map((path) => {
          const url = `http://${site.address(node)}:8080/api/v1/${path}`
          const words = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url]
          return site.lab.run(site.lab.place(node), ...words)
        }),
      ),
    )
    expect(codes).toEqual(['200', '200', '503', '200', '503', '200'])
  })

  test('the metrics of the guide are there, under its names', async () => {
    const [leader, follower] = await Promise.all([site.metrics(1), site.metrics(2)])
    expect(leader).toMatch(/^opengslb_cluster_is_leader 1$/m)
    expect(follower).toMatch(/^opengslb_cluster_is_leader 0$/m)
    expect(follower).toMatch(/^opengslb_cluster_state\{state="follower"\} 1$/m)
    expect(follower).toMatch(/^opengslb_cluster_members 3$/m)
    expect(follower).toMatch(/^opengslb_cluster_leader_changes_total 1$/m)
    expect(follower).toMatch(/^opengslb_dns_refused_total [1-9]/m)
    for (const [name, value] of [
      ['opengslb_cluster_raft_state', 'raft_state\\{node="node-2"\\} 0'],
      ['opengslb_cluster_members_total', 'members_total 3'],
      ['opengslb_cluster_healthy_members', 'healthy_members 3'],
      ['opengslb_cluster_elections_total', 'elections_total 1'],
      ['opengslb_cluster_last_election_timestamp', 'last_election_timestamp [1-9]'],
      ['opengslb_cluster_engine_up', 'engine_up 1'],
    ] as const) {
      expect(follower).toContain(name)
      expect(follower).toMatch(new RegExp(`^opengslb_cluster_${value}`, 'm'))
    }
  })

  test('all gossip with each other, and each keeps a snapshot beside its data', async () => {
    for (const node of [1, 2, 3]) {
      await until(`node ${node} knows of all`, async () =>
        /^opengslb_gossip_members 3$/m.test(await site.metrics(node)),
      )
      await until(`node ${node} saved one`, async () =>
        /^opengslb_cluster_last_snapshot_timestamp [1-9]/m.test(await site.metrics(node)),
      )
      expect(existsSync(`${site.program(node).folder}/raft/snapshot.db`)).toBe(true)
    }
  })

  test('an order given to a follower is known to all, and survives the leader', async () => {
    const path = `/overwatch/backends/${CLUSTER_NAME}/10.0.1.10/80/override`
    const set = await site.api(2, 'POST', path, { healthy: false, reason: 'maintenance' })
    expect(set).not.toContain('not stored')
    interface Servers {
      readonly servers: readonly { address: string; status: string }[]
    }
    const knows = async (node: number) => {
      const told = await site.read<Servers>(node, '/health/servers')
      return told?.servers.some((one) => one.address === '10.0.1.10' && one.status === 'unhealthy')
    }
    const overrides = async (node: number) =>
      (await site.api(node, 'GET', '/overrides')).includes('10.0.1.10')
    for (const node of [1, 2, 3])
      await until(`node ${node} knows`, async () => (await knows(node)) === true, 10_000)
    for (const node of [1, 2, 3]) expect(await overrides(node)).toBe(true)
  })

  test('a name made on a follower is known to all, and the next leader answers it', async () => {
    const made = 'made.example.com'
    expect(await site.api(2, 'POST', '/domains', { name: made, ttl: 30 })).toContain(made)
    const server = { service: made, address: '10.0.1.20', port: 80, region: 'us-east-1' }
    expect(await site.api(2, 'POST', '/servers', server)).toContain('10.0.1.20')
    await site.api(2, 'POST', `/overwatch/backends/${made}/10.0.1.20/80/override`, {
      healthy: true,
    })
    const lookUp = (node: number) => {
      const words = ['dig', '+short', '+time=1', '+tries=1', '-p', '5353', `@${site.address(node)}`]
      return site.lab.run(site.lab.hub, ...words, made).catch(() => '')
    }
    const leader = await settled([1, 2, 3])
    await until(
      'the leader answers',
      async () => (await lookUp(leader)).trim() === '10.0.1.20',
      10_000,
    )
    site.program(leader).signal('SIGTERM')
    await site.program(leader).exited()
    const next = await settled([1, 2, 3].filter((node) => node !== leader))
    await until(
      'the next one answers',
      async () => (await lookUp(next)).trim() === '10.0.1.20',
      5_000,
    )
    site.start(leader)
    await until('it is back', () => site.isWhole(NODES, next), 60_000)
    await settled([1, 2, 3])
  }, 90_000)

  test('after kill -9 of the leader another answers within 2 s, and it comes back', async () => {
    const leader = await settled([1, 2, 3])
    const others = [1, 2, 3].filter((node) => node !== leader)
    const fromMs = machineMs()
    site.program(leader).signal('SIGKILL')
    const first = () =>
      site.heard.find((one) => one.sentMs >= fromMs && one.node !== leader && site.isAnswer(one))
    await until('another node answers', () => first() !== undefined, 10_000)
    const tookMs = first()!.gotMs - fromMs
    process.stdout.write(`kill -9 to the next answer: ${Math.round(tookMs)} ms\n`)
    expect(tookMs).toBeLessThan(2_000)
    expect(await output('pgrep', ['-P', String(site.program(leader).pid)])).toBe('')
    const next = await settled(others)
    expect(site.doubled(fromMs)).toEqual([])
    await site.program(leader).exited()
    // With BOOTSTRAP in its environment for ever, as the guide leaves it.
    site.start(leader)
    await until('it is back', () => site.isWhole(NODES, next), 60_000)
    await settled([1, 2, 3])
    const knows = async () => (await site.api(leader, 'GET', '/overrides')).includes('10.0.1.10')
    await until('it knows the order', knows, 10_000)
  })

  test('SIGTERM hands over within 300 ms, and the node stays a member', async () => {
    const leader = await settled([1, 2, 3])
    await sleep(3_000)
    const fromMs = machineMs()
    site.program(leader).signal('SIGTERM')
    const first = () =>
      site.heard.find((one) => one.sentMs >= fromMs && one.node !== leader && site.isAnswer(one))
    await until('another node answers', () => first() !== undefined, 10_000)
    const tookMs = first()!.gotMs - fromMs
    process.stdout.write(`SIGTERM to the next answer: ${Math.round(tookMs)} ms\n`)
    expect(tookMs).toBeLessThan(300)
    expect(await site.program(leader).exited()).toBe(0)
    const told = await statusOf([1, 2, 3].find((node) => node !== leader)!)
    expect(told?.['cluster_size']).toBe(3)
    site.start(leader)
    await until('it is back', () => site.isWhole(NODES, first()!.node), 60_000)
  })

  test('a node with a wiped disk comes back as a member by joining again', async () => {
    const leader = await settled([1, 2, 3])
    const node = [2, 3].find((one) => one !== leader)!
    await site.program(node).stop()
    const { folder } = site.program(node)
    await output('rm', ['-rf', `${folder}/raft`, `${folder}/data`])
    site.start(node)
    await until('it is back', () => site.isWhole(NODES, leader), 60_000)
    expect(site.program(leader).output + site.program(node).output).not.toContain('panic')
    const keys = await tagsOf(leader)
    expect(keys).toHaveLength(1)
    await until('it has the keys', async () => String(await tagsOf(node)) === String(keys), 20_000)
    await settled([1, 2, 3])
  })

  test('a node that moved to another address tells the members, and they reach it there', async () => {
    const leader = await settled([1, 2, 3])
    const node = [2, 3].find((one) => one !== leader)!
    const moveTo = async (port: number) => {
      await site.program(node).stop()
      const at = `${site.address(node)}:${port}`
      site.start(node, [...site.flags(node), '--bind-address', at])
      const knows = async (one: number) =>
        (await site.api(one, 'GET', '/cluster/members')).includes(at)
      for (const one of [1, 2, 3]) await until(`node ${one} knows`, () => knows(one), 20_000)
      await until('it is back', () => site.isWhole(NODES, leader), 20_000)
    }
    await moveTo(7_010)
    // Of the two that are left neither leads without the other.
    site.program(leader).signal('SIGKILL')
    await settled([1, 2, 3].filter((one) => one !== leader))
    await site.program(leader).exited()
    site.start(leader)
    await until('all are back', () => site.isWhole(NODES, node), 60_000)
    await settled([1, 2, 3])
    await moveTo(7_000)
  }, 120_000)

  test('a node leaves by order, and one is added with --join', async () => {
    const leader = await settled([1, 2, 3])
    const node = [2, 3].find((one) => one !== leader)!
    // A member that has just come back keeps the list as it is for some seconds.
    const leave = () => cli(node, 'cluster', 'leave')
    const left = async () => (await leave()).includes('is no member any more')
    await until('it has left', left, 20_000)
    await until('two are left', () => site.isWhole(2, leader), 20_000)
    await site.program(node).stop()
    site.start(4, [
      ...['--mode', 'cluster', '--node-name', 'node-4', '--bind-address'],
      ...[`${site.address(4)}:7000`, '--join', `${site.address(leader)}:7000`],
    ])
    await until('the new one votes', () => site.isWhole(3, leader), 60_000)
    await site.program(4).logged('DNS queries will be refused (not leader)')
    expect(await site.api(4, 'GET', '/overrides')).toContain('10.0.1.10')
  })
})

describe.runIf(has('etcd'))('a start that cannot be', () => {
  const yaml = (port: number, extra = '') => `
dns: { listen_address: "127.0.0.1:${port}", threads: 1 }
metrics: { enabled: false }
overwatch: { data_dir: "" }
cluster:
  mode: cluster
  node_name: lonely
  bind_address: "127.0.0.1:${port + 1}"
  raft: { data_dir: FOLDER/raft${extra} }
`
  const startOf = async (extra: string, flags: readonly string[]) => {
    const program = new Program('')
    const text = yaml(await freePort(), extra)
    program.configure(text.replace('FOLDER', program.folder))
    program.start(flags)
    const code = await program.exited()
    const said = program.output
    await program.remove()
    return { code, said }
  }

  test('without etcd names the package', async () => {
    const { code, said } = await startOf(', etcd_path: /nonexistent/etcd', ['--bootstrap'])
    expect(code).toBe(1)
    expect(said).toContain('install etcd (Debian: etcd-server) or set cluster.raft.etcd_path')
  }, 60_000)

  test('of a program that is no etcd with learners names the version', async () => {
    const { code, said } = await startOf(', etcd_path: /bin/ls', ['--bootstrap'])
    expect(code).toBe(1)
    expect(said).toContain('3.4 or a later 3.x is needed')
  }, 60_000)

  test('with neither data, bootstrap nor join says what is missing', async () => {
    const { code, said } = await startOf('', [])
    expect(code).toBe(1)
    expect(said).toContain('neither cluster.bootstrap (first node) nor cluster.join (others)')
  }, 60_000)
})
