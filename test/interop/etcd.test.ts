// Goal: our client of the JSON gateway and the real etcd understand each other: values,
// transactions, leases, and a watch that goes on from a revision, or says that it is gone.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/actors/cluster/client.ts'
import { saveSnapshot } from '../../src/actors/cluster/ports-snapshot.ts'
import { openGateway } from '../../src/actors/cluster/ports-gateway.ts'
import type { Gateway } from '../../src/actors/cluster/contract.ts'
import { engineArguments, SNAPSHOT, SOCKET } from '../../src/core/cluster/engine.ts'
import {
  compares,
  requestDelete,
  requestPut,
  textOf,
  watchBody,
  type Watched,
  watchedOf,
} from '../../src/core/cluster/gateway.ts'
import { verdictOf } from '../../src/core/cluster/raft-fence.ts'
import { Daemon } from '../harness/daemon.ts'
import { freePort, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

describe.runIf(has('etcd'))('a real etcd', () => {
  const etcd = new Daemon()
  let gateway: Gateway
  let client: Client

  beforeAll(async () => {
    const port = await freePort()
    const at = `127.0.0.1:${port}`
    const settings = {
      ...{ name: 'one', bind: at, peerUrl: `http://${at}`, doorUrl: 'http://127.0.0.1:1' },
      times: { heartbeatMs: 100, electionMs: 500 },
      snapshotCount: 8_192,
    }
    etcd.start('etcd', engineArguments(settings, { kind: 'new' }), {})
    const path = `${etcd.folder}/${SOCKET}`
    await until('its socket', () => existsSync(path), 20_000)
    gateway = openGateway({ kind: 'socket', path })
    client = new Client(gateway)
    const leads = async () => {
      const status = await client.status(1_000)
      return status !== undefined && verdictOf(status).kind === 'to-prove'
    }
    await until('it leads', leads, 20_000)
  }, 60_000)
  afterAll(async () => {
    gateway?.close()
    await etcd.stop()
  })

  test('proves its leadership by a read of its own term', async () => {
    const status = (await client.status(1_000))!
    expect(await client.confirmedTerm('/x', 1_000)).toBe(status.term)
    expect(status.version).toMatch(/^3\./)
  })

  test('keeps values, and tells them by prefix and page', async () => {
    for (let at = 0; at < 3; at++)
      expect(await client.put(`/pages/${at}`, `value ${at}`, '')).toBe(true)
    const all = (await client.all('/pages/'))!
    expect(all.values.map(({ key, value }) => [key, textOf(value)])).toEqual([
      ['/pages/0', 'value 0'],
      ['/pages/1', 'value 1'],
      ['/pages/2', 'value 2'],
    ])
  })

  test('swaps a value only over the revision that is named, and else tells what is there', async () => {
    const first = (await client.swap('/swap', 0, requestPut('/swap', 'a')))!
    expect(first.hasSucceeded).toBe(true)
    const late = (await client.swap('/swap', 0, requestPut('/swap', 'b')))!
    expect(late.hasSucceeded).toBe(false)
    expect(textOf(late.found[0]!.value)).toBe('a')
    const next = (await client.swap('/swap', first.revision, requestPut('/swap', 'c')))!
    expect(next.hasSucceeded).toBe(true)
  })

  test('ends the keys of a lease with it', async () => {
    const lease = (await client.grant(2))!
    expect(lease.ttlSeconds).toBeGreaterThanOrEqual(2)
    const make = {
      compare: [compares.absent('/held')],
      success: [requestPut('/held', 'a', lease.id)],
    }
    expect((await client.transact(make))?.hasSucceeded).toBe(true)
    expect((await client.transact(make))?.hasSucceeded).toBe(false)
    expect(await client.keepAlive(lease.id)).toBeGreaterThan(0)
    await client.revoke(lease.id)
    expect(await client.keepAlive(lease.id)).toBe(0)
    expect((await client.get('/held'))?.values).toEqual([])
  })

  test('tells a watch what happened since a revision, and what happens then', async () => {
    const before = (await client.get('/watched/a'))!.header.revision
    await client.put('/watched/a', '1', '')
    const seen: string[] = []
    const close = gateway.watch(
      watchBody('/watched/', before + 1),
      (line) => {
        for (const { key, isGone } of watchedOf(line)?.events ?? []) seen.push(`${key} ${isGone}`)
      },
      () => {},
    )
    await until('the past', () => seen.length === 1)
    await client.transact({ compare: [], success: [requestDelete('/watched/a')] })
    await until('the present', () => seen.length === 2)
    close()
    expect(seen).toEqual(['/watched/a false', '/watched/a true'])
  })

  test('says that a revision is no longer kept', async () => {
    const { header } = (await client.get('/x'))!
    const compacted = { revision: String(header.revision), physical: true }
    expect((await gateway.call('/v3/kv/compaction', compacted, 5_000)).code).toBe('answered')
    const told: Watched[] = []
    gateway.watch(
      watchBody('/watched/', 1),
      (line) => {
        const watched = watchedOf(line)
        if (watched !== undefined) told.push(watched)
      },
      () => {},
    )
    await until('it says so', () => told.some(({ compactRevision }) => compactRevision > 0))
  })

  test('tells all of a store, and a long past, that fit no single answer', async () => {
    const { header } = (await client.get('/x'))!
    const value = 'x'.repeat(400_000)
    for (let at = 100; at < 160; at++) await client.put(`/large/${at}`, value, '')
    expect((await client.all('/large/'))?.values).toHaveLength(60)
    let seen = 0
    const why: string[] = []
    const close = gateway.watch(
      watchBody('/large/', header.revision + 1),
      (line) => {
        seen += watchedOf(line)?.events.length ?? 0
      },
      (said) => why.push(said),
    )
    await until('the past', () => seen === 60 || why.length > 0)
    close()
    expect([seen, why]).toEqual([60, []])
  })

  test('gives a snapshot from which etcdctl makes a member with all that was stored', async () => {
    await client.put('/saved', 'kept', '')
    const first = await saveSnapshot(etcd.folder, 10_000)
    expect(first).toEqual({ code: 'saved', bytes: expect.any(Number) })
    const path = `${etcd.folder}/${SNAPSHOT}`
    const before = readFileSync(path)
    expect(await saveSnapshot(etcd.folder, 10_000)).toMatchObject({ code: 'saved' })
    expect(readFileSync(`${path}.1`).equals(before)).toBe(true)
    const env = { ...process.env, ETCDCTL_API: '3' }
    const status = ['snapshot', 'status', path, '-w', 'json']
    const told = JSON.parse(spawnSync('etcdctl', status, { env, encoding: 'utf8' }).stdout)
    expect(told.totalKey).toBeGreaterThan(0)
    const words = ['snapshot', 'restore', path, '--data-dir', `${etcd.folder}/restored`]
    // It compares the sum that stands at the end of the file.
    expect(spawnSync('etcdctl', words, { env }).status).toBe(0)
  })

  test('saves no snapshot of one that is cut off, and leaves the last one', async () => {
    const path = `${etcd.folder}/${SNAPSHOT}`
    const before = readFileSync(path)
    expect(await saveSnapshot(etcd.folder, 0)).toMatchObject({ code: 'failed' })
    expect(await saveSnapshot(`${etcd.folder}/nowhere`, 1_000)).toMatchObject({ code: 'failed' })
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  test('an error and a path that does not exist are refusals with a sentence', async () => {
    expect(await client.remove('12345')).toBe(false)
    expect(client.lastFault).toContain('not found')
    expect(await gateway.call('/v3/nonsense', {}, 1_000)).toMatchObject({ code: 'refused' })
  })

  test('that is gone is unreachable, and a call ends in its time', async () => {
    await etcd.stop()
    expect(await gateway.call('/v3/maintenance/status', {}, 500)).toMatchObject({
      code: 'unreachable',
    })
  })
})
