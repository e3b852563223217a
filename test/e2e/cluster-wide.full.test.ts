// Goal: five nodes with TLS among them, whose followers answer too: resolvers in front lose no
// lookup while the leader is killed, stopped, cut off or told to go, nor while all nodes are
// updated by deploy/scripts/rolling-update.sh; and what is left after a lost majority goes on by
// force.
// OPENGSLB_FULL=1 runs it; it takes some minutes.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificates } from '../harness/certificates.ts'
import { ClusterSite, CLUSTER_NAME, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { forwarderConf } from '../harness/lookups.ts'
import { rollingUpdate } from '../harness/rolling.ts'
import { has, output } from '../harness/tools.ts'

const NODES = [1, 2, 3, 4, 5]
const SERVER = { service: CLUSTER_NAME, address: '10.0.1.10', port: 80 }

/** Looks a name up again and again, and counts what came of it. */
class Lookups {
  readonly name: string
  found = 0
  readonly lost: string[] = []
  readonly #child: ChildProcess

  constructor(name: string, place: readonly string[], script: string) {
    this.name = name
    const loop = `while :; do ${script}; sleep 0.05; done`
    const [command, ...rest] = [...place, 'unshare', '-m', 'sh', '-c', loop]
    this.#child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n'))
        if (line === 'found') this.found++
        else if (line !== '') this.lost.push(`${new Date().toISOString()} ${line}`)
    })
  }

  stop(): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
  }
}

describe.runIf(has('etcd', 'curl', 'unbound', 'unshare'))('five nodes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-wide-'))
  const addresses = NODES.map((node) => `10.99.7.${node}`)
  const tls = makeCertificates(addresses)
  const site = new ClusterSite({
    dns: 53,
    cluster: '  follower_dns: serve',
    raft: `    tls: { cert_file: ${tls.certFile}, key_file: ${tls.keyFile}, ca_file: ${tls.caFile} }`,
  })
  const clients: Lookups[] = []
  let unbound: ChildProcess | undefined

  const answering = () => {
    const since = machineMs() - 500
    const recent = site.heard.filter((one) => one.sentMs >= since && site.isAnswer(one))
    return new Set(recent.map(({ node }) => node)).size
  }
  const leaderOf = async (asked: number) => {
    const told = await site.read<{ leader_id?: string }>(asked, '/cluster/status')
    return Number(told?.leader_id?.split('-')[1] ?? 0)
  }
  const lost = () => clients.flatMap(({ name, lost }) => lost.map((line) => `${name}: ${line}`))

  async function startClients(): Promise<void> {
    const servers = addresses.slice(0, 3)
    writeFileSync(
      join(folder, 'resolv.conf'),
      `${servers.map((one) => `nameserver ${one}`).join('\n')}\noptions timeout:1 attempts:3\n`,
    )
    writeFileSync(join(folder, 'unbound.conf'), forwarderConf(folder, servers, 5_300))
    const [command, ...rest] = [...site.lab.hub, 'unbound', '-d', '-c', `${folder}/unbound.conf`]
    unbound = spawn(command!, rest, { stdio: 'ignore' })
    // Who asks before it listens is refused a connection, which is no lookup lost.
    const ping = ['dig', '@127.0.0.1', '-p', '5300', '+tries=1', '+time=2', CLUSTER_NAME]
    const listens = async () =>
      /status: /.test(await site.lab.run(site.lab.hub, ...ping).catch(() => ''))
    await until('unbound listens', listens)
    const glibc =
      `[ -n "$bound" ] || { mount --bind ${folder}/resolv.conf /etc/resolv.conf; bound=1; }; ` +
      `if getent ahostsv4 ${CLUSTER_NAME} | grep -q STREAM; then echo found; else echo lost; fi`
    const dig =
      `r=$(dig @127.0.0.1 -p 5300 +tries=1 +time=8 +noedns ${CLUSTER_NAME}); case "$r" in ` +
      '*"status: NOERROR"*"ANSWER: 1"*) echo found;; *) echo "lost $(echo "$r" | grep -o ' +
      `'status: [A-Z]*\\|timed out')";; esac`
    clients.push(
      new Lookups('glibc', site.lab.hub, glibc),
      new Lookups('unbound', site.lab.hub, dig),
    )
  }

  beforeAll(async () => {
    await site.form(NODES.length, 240_000)
    site.ask(NODES.length, 20)
    await until('all answer', () => answering() === NODES.length, 60_000)
  }, 300_000)

  afterAll(async () => {
    for (const client of clients) client.stop()
    unbound?.kill('SIGKILL')
    await site.close()
    tls.remove()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  test('talk to each other by TLS alone, and to nobody without a certificate of theirs', async () => {
    const page = `${site.address(1)}:7000/members`
    // HTTP/2 on that port is gRPC to etcd, which has no such page.
    const ask = (from: readonly string[], ...words: string[]) =>
      site.lab.run(from, 'curl', '-s', '--http1.1', '-m', '3', ...words)
    const [stranger, member] = [site.lab.hub, site.lab.place(2)]
    const own = ['-k', '--cert', tls.certFile, '--key', tls.keyFile]
    expect(await ask(member, ...own, `https://${page}`)).toContain('node-1')
    expect(await ask(member, `http://${page}`)).not.toContain('node-1')
    expect(await ask(member, '-k', `https://${page}`)).not.toContain('node-1')
    // etcd lets a certificate in from the addresses it is for, and from no other.
    expect(await ask(stranger, ...own, `https://${page}`)).not.toContain('node-1')
  })

  for (const [name, strike, heal] of [
    [
      'is killed',
      async (node) => site.program(node).signal('SIGKILL'),
      async (node) => {
        await site.program(node).exited()
        site.start(node)
      },
    ],
    ['is stopped', (node) => site.signal(node, 'SIGSTOP'), (node) => site.signal(node, 'SIGCONT')],
    ['is cut off', async (node) => site.cut(node), async (node) => site.heal(node)],
    [
      'is told to go',
      async (node) => site.program(node).signal('SIGTERM'),
      async (node) => {
        await site.program(node).exited()
        site.start(node)
      },
    ],
  ] as readonly [string, (node: number) => Promise<void>, (node: number) => Promise<void>][])
    test(`lose no lookup of glibc and unbound when the leader ${name}`, async () => {
      if (clients.length === 0) await startClients()
      await until('all answer', () => answering() === NODES.length, 60_000)
      const before = clients.map(({ found }) => found)
      await until('clients ask', () => clients.every(({ found }, at) => found > before[at]! + 5))
      const leader = await leaderOf(1)
      expect(leader).toBeGreaterThan(0)
      await strike(leader)
      await sleep(4_000)
      await heal(leader)
      const rest = NODES.find((node) => node !== leader)!
      await until('it is back', () => site.isWhole(NODES.length, rest), 90_000)
      await until('all answer', () => answering() === NODES.length, 60_000)
      expect(lost()).toEqual([])
    }, 240_000)

  test('are updated one after the other by the script, the leader last, and lose no lookup', async () => {
    const first = await leaderOf(1)
    if (clients.length === 0) await startClients()
    const { said, order } = await rollingUpdate(site, NODES)
    expect(said).toContain('all 5 nodes are updated')
    expect(order).toHaveLength(5)
    expect(order.at(-1)).toBe(first)
    expect(lost()).toEqual([])
    process.stdout.write(`${clients.map(({ name, found }) => `${name}: ${found} lookups`)}\n`)
  }, 400_000)

  test('of which three are gone for good go on by --force-new-cluster, with what was stored', async () => {
    const path = `/overwatch/backends/${SERVER.service}/${SERVER.address}/${SERVER.port}/override`
    const order = { healthy: true, reason: 'kept' }
    expect(await site.api(1, 'POST', path, order)).not.toContain('not stored')
    for (const client of clients) client.stop()
    for (const node of [3, 4, 5]) site.program(node).signal('SIGKILL')
    await until(
      'the rest refuse',
      () => {
        const since = machineMs() - 400
        const recent = site.heard.filter(({ node, sentMs }) => node <= 2 && sentMs >= since)
        return recent.length > 0 && recent.every(({ rcode }) => rcode === REFUSED)
        // After five seconds of answers, and silence up to the tenth.
      },
      30_000,
    )
    await site.program(1).stop()
    await site.program(2).stop()
    site.start(1, [...site.flags(1), '--force-new-cluster'])
    await site
      .program(1)
      .logged('this node is now the cluster leader', 60_000)
      .catch((error: Error) => {
        throw new Error(`${error.message}\n${site.program(1).output}`)
      })
    expect(site.program(1).output).toContain('makes this node the only member')
    expect(await site.api(1, 'GET', '/overrides')).toContain('kept')
    await site.isWhole(1)
    await output('rm', ['-rf', `${site.program(2).folder}/raft`])
    site.start(2)
    await until('the second is a member again', () => site.isWhole(2), 60_000)

    // The flag was left where it is.
    await site.program(1).stop()
    site.start(1, [...site.flags(1), '--force-new-cluster'])
    await site.program(1).logged('--force-new-cluster is ignored', 60_000)
    await until('both are members', () => site.isWhole(2), 60_000)
    // Nor is it obeyed by one that never did while the other runs.
    await site.program(2).stop()
    site.start(2, [...site.flags(2), '--force-new-cluster'])
    await site.program(2).logged('is a member of this cluster and runs', 60_000)
    site.start(2)
    await until('both are members still', () => site.isWhole(2), 60_000)
  }, 360_000)
})
