/**
 * Goal: overwatches sign with the same keys, whoever fails in the middle of a rollover.
 * Method: the built program on loopback with the configuration of the guide to high availability:
 * the first node without peers, its API over TLS, the others asking those before them, their clocks
 * five minutes apart; a parent whose DS the test decides. `delv` validates from the DS at each
 * state.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/core/dnssec/sync/types.ts'
import { makeCertificates } from '../harness/certificates.ts'
import { ClockShim } from '../harness/clock-shim.ts'
import { makeSyncNode, SECRET, type SyncNode, ZONE } from '../harness/dnssec-sync-site.ts'
import { KeySyncPeer } from '../harness/key-sync-peer.ts'
import { type ParentServer, startParent } from '../harness/parent-server.ts'
import { until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

/** How far the clocks of the second and the third node are off. */
const CLOCKS_MS = { 'node-2': -150_000, 'node-3': 150_000 }

const nodes: SyncNode[] = []
const certificates = makeCertificates()
const clocks = mkdtempSync(join(tmpdir(), 'opengslb-clocks-'))
let parent: ParentServer

const same = (a: readonly number[], b: readonly number[]) => a.join() === b.join()

async function untilSame(some: readonly SyncNode[], what: string): Promise<readonly number[]> {
  await until(
    what,
    async () => {
      const all = await Promise.all(some.map((node) => node.tags()))
      return all[0]!.length > 0 && all.every((tags) => same(tags, all[0]!))
    },
    90_000,
  )
  return await some[0]!.tags()
}

/** The DS that the zone asks its parent for, as the parent takes it up. */
async function takeUp(node: SyncNode): Promise<void> {
  const { ds_records: records } = await node.get<{
    ds_records: { key_tag: number; algorithm_number: number; digest_type: number; digest: string }[]
  }>('/api/v1/dnssec/ds')
  parent.ds = records.map(
    (one) => `${one.key_tag} ${one.algorithm_number} ${one.digest_type} ${one.digest}`,
  )
}

/** What `delv` says of an answer of the node, from the DS that the parent has. */
async function validated(node: SyncNode): Promise<string> {
  const anchors = parent.ds.map((ds) => {
    const [tag, algorithm, type, digest] = ds.split(' ')
    return `"${ZONE}." static-ds ${tag} ${algorithm} ${type} "${digest}";`
  })
  const path = `${node.program.folder}/anchors`
  writeFileSync(path, `trust-anchors { ${anchors.join(' ')} };\n`)
  const words = ['-a', path, `+root=${ZONE}`, '-p', String(node.dnsPort), `www.${ZONE}`, 'TXT']
  return await output('delv', ['@127.0.0.1', ...words])
}

async function expectValid(some: readonly SyncNode[]): Promise<void> {
  if (!has('delv')) return
  for (const node of some) expect(await validated(node), node.name).toContain('; fully validated')
}

beforeAll(async () => {
  parent = await startParent('example.com')
  const clock = has('gcc') ? new ClockShim(clocks) : undefined
  const make = async (name: string, peers: readonly SyncNode[]) => {
    const isFirst = nodes.length === 0
    const own = isFirst ? { tls: certificates } : { prefix: clock?.prefix(name) ?? [] }
    nodes.push(await makeSyncNode({ name, peers, ...own }, parent))
  }
  await make('node-1', [])
  await make('node-2', nodes.slice(0, 1))
  await make('node-3', nodes.slice(0, 2))
  for (const [name, offsetMs] of Object.entries(CLOCKS_MS)) clock?.set(name, offsetMs)
  for (const node of nodes) node.program.start()
}, 60_000)

afterAll(async () => {
  parent.stop()
  await Promise.all(nodes.map((node) => node.program.remove()))
  certificates.remove()
  rmSync(clocks, { recursive: true, force: true })
})

/** Keys as they were before they were rolled, as one of the nodes may still send them. */
let old: Bundle

/** Who knows the secret, and gives itself for another one of them. */
const asMember = (node: SyncNode) =>
  new KeySyncPeer(node.url, node.name === 'node-2' ? 'node-1' : 'node-2', SECRET)

describe('overwatches that share keys', { timeout: 400_000 }, () => {
  test('sign with the keys of the first one, and say how they share them', async () => {
    const tags = await untilSame(nodes, 'all have the same keys')
    expect(tags).toHaveLength(1)
    for (const node of nodes)
      await until(
        `${node.name} serves the key`,
        async () => {
          const { answer } = await dig(node.dnsPort, ZONE, 'DNSKEY', '+multiline', '+rrcomments')
          return answer.length > 0
        },
        30_000,
      )
    await until('the second node has synced', async () => {
      const { sync } = await nodes[1]!.status()
      return sync.last_sync !== null
    })
    const { sync } = await nodes[1]!.status()
    expect(nodes[1]!.plan.peers.map(({ url }) => url)).toEqual([nodes[0]!.url])
    expect(sync).toMatchObject({ enabled: true, last_sync_error: null, peer_count: 1 })
    expect(await nodes[1]!.post('/api/v1/dnssec/sync', {})).toBe(200)
    const metrics = await (await fetch(`http://127.0.0.1:${nodes[1]!.metricsPort}/metrics`)).text()
    expect(metrics).toMatch(/^opengslb_dnssec_sync_success 1$/m)
    expect(metrics).toMatch(/^opengslb_dnssec_last_sync_timestamp \d{10}/m)
    await until('the DS is offered', async () => {
      const { answer } = await dig(nodes[0]!.dnsPort, ZONE, 'CDS')
      return answer.length > 0
    })
    await takeUp(nodes[0]!)
    await expectValid(nodes)
  })

  test.runIf(has('gcc'))('are five minutes apart by their clocks', async () => {
    for (const [at, offsetMs] of [
      [1, CLOCKS_MS['node-2']],
      [2, CLOCKS_MS['node-3']],
    ] as const) {
      const { sync } = await nodes[at]!.status()
      const apartMs = Date.parse(sync.last_sync ?? '') - Date.now()
      expect(Math.abs(apartMs - offsetMs)).toBeLessThan(60_000)
    }
  })

  test('refuse what does not open, and keep their keys', async () => {
    const before = await nodes[0]!.tags()
    const garbage = [
      { message: Buffer.from('garbage').toString('base64') },
      { message: Buffer.alloc(500, 1).toString('base64') },
      { message: '***' },
    ]
    for (const body of garbage) expect(await nodes[0]!.post('/api/v1/dnssec/peer', body)).toBe(403)
    expect(await nodes[0]!.post('/api/v1/dnssec/peer', { other: 1 })).toBe(400)
    expect(await nodes[0]!.tags()).toEqual(before)
    await nodes[0]!.program.logged('A message of key sync is refused')
  })

  test('roll with one of them killed, take a fourth in, and end with one key', async () => {
    const [first, second, third] = nodes as [SyncNode, SyncNode, SyncNode]
    old = await asMember(first).fetch(ZONE)
    const [oldTag] = await first.tags()
    expect(await first.post('/api/v1/dnssec/rollover', { zone: ZONE })).toBe(200)
    third.program.signal('SIGKILL')
    await third.program.exited()
    await untilSame([first, second], 'both have the new key as well')
    expect(await first.tags()).toHaveLength(2)
    const fourth = await makeSyncNode({ name: 'node-4', peers: [second] }, parent)
    nodes.push(fourth)
    fourth.program.start()
    await untilSame([first, second, fourth], 'the fourth has them too')
    await expectValid([first, second])
    // The dead one may come back and serve what it had, so what ends something waits for it.
    await sleep(5_000)
    const waiting = (await first.status()).zones.flatMap(({ steps }) => steps).join('\n')
    expect(waiting).toContain('node-3')
    expect(await first.tags()).toContain(oldTag)
    third.program.start()
    await until(
      'the new key is offered',
      async () => {
        await takeUp(first)
        return !parent.ds.some((ds) => ds.startsWith(`${oldTag} `))
      },
      40_000,
    )
    await expectValid(nodes)
    await until(
      'the old key is gone everywhere',
      async () => {
        const all = await Promise.all(nodes.map((node) => node.tags()))
        await expectValid([nodes[Math.floor(Math.random() * nodes.length)]!])
        return all.every((tags) => tags.length === 1 && tags[0] !== oldTag && same(tags, all[0]!))
      },
      120_000,
    )
    await expectValid(nodes)
  })

  test('refuse old keys and those of another zone from who knows the secret', async () => {
    const before = await untilSame(nodes, 'all have the same keys')
    expect(before).not.toEqual(old.state.keys.map(({ tag }) => tag))
    const zone = 'other.test'
    const bent = { ...old, keys: old.keys.map((key) => ({ ...key, zone })) }
    const elsewhere = { ...bent, state: { ...old.state, zone } }
    // Not of this zone's history, or it is old before anything else.
    const mixed = { ...bent, state: { ...old.state, lineage: 'ab'.repeat(16) } }
    for (const node of nodes) {
      for (const bundle of [old, elsewhere, mixed]) await asMember(node).push(bundle)
      const refused = (about: string, reason: string) =>
        node.program.logged(
          new RegExp(`a document of keys is refused.*${about}.*peer=node-[12] .*${reason}`),
        )
      await refused(ZONE, 'old-generation')
      await refused(zone, 'other-zone')
      await refused(ZONE, 'other-zone')
    }
    // Peers have talked since: what one had taken, all would have.
    await sleep(3_000)
    for (const node of nodes) expect(await node.tags(), node.name).toEqual(before)
    await expectValid(nodes)
  })

  test('answer SERVFAIL while silent peers may have keys, then with keys of their own', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const place = silent.address()
    const port = typeof place === 'object' && place !== null ? place.port : 0
    const alone = await makeSyncNode(
      { name: 'node-5', peers: [{ url: `http://127.0.0.1:${port}` }], timeout: '4s' },
      parent,
    )
    nodes.push(alone)
    alone.program.start()
    let status = ''
    await until(
      'it answers',
      async () => {
        status = (await dig(alone.dnsPort, `www.${ZONE}`, 'TXT')).status
        return status !== 'no-answer'
      },
      60_000,
    )
    expect(status).toBe('SERVFAIL')
    await until(
      'it has keys',
      async () => (await dig(alone.dnsPort, `www.${ZONE}`, 'TXT')).status === 'NOERROR',
      60_000,
    )
    expect((await dig(alone.dnsPort, ZONE, 'DNSKEY', '+dnssec')).answer).toHaveLength(2)
    silent.close()
  })
})
