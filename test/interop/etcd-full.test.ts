// Goal: a real etcd that is full is told as such, and takes writes again once there is room in it.
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/actors/cluster/client.ts'
import { Complaints } from '../../src/actors/cluster/complaints.ts'
import type { Gateway } from '../../src/actors/cluster/contract.ts'
import { openGateway } from '../../src/actors/cluster/ports-gateway.ts'
import { engineArguments, SOCKET } from '../../src/core/cluster/engine.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { Daemon } from '../harness/daemon.ts'
import { freePort, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const QUOTA = 4_194_304

describe.runIf(has('etcd'))('a store that is full', () => {
  const etcd = new Daemon()
  let gateway: Gateway
  let client: Client

  beforeAll(async () => {
    const at = `127.0.0.1:${await freePort()}`
    const settings = {
      ...{ name: 'one', bind: at, peerUrl: `http://${at}`, doorUrl: 'http://127.0.0.1:1' },
      times: { heartbeatMs: 100, electionMs: 500 },
      snapshotCount: 8_192,
    }
    // The last of two flags of a name counts.
    const args = [...engineArguments(settings, { kind: 'new' }), `--quota-backend-bytes=${QUOTA}`]
    etcd.start('etcd', args, {})
    const path = `${etcd.folder}/${SOCKET}`
    await until('its socket', () => existsSync(path), 20_000)
    gateway = openGateway({ kind: 'socket', path })
    client = new Client(gateway)
    await until('it writes', () => client.put('/x', '', ''), 20_000)
  }, 60_000)
  afterAll(async () => {
    gateway?.close()
    await etcd.stop()
  })

  test('says why it takes nothing, and its alarm goes once an operator made room', async () => {
    const { ctx, logs } = fakeCtx('cluster')
    const complaints = new Complaints(ctx, client, QUOTA)
    const look = async () => complaints.look(await client.status(1_000))
    const value = 'x'.repeat(300_000)
    let writes = 0
    while (writes++ < 50 && (await client.put('/x', value, ''))) await look()
    expect(client.writeFault).toBe('its store is full')
    await look()
    expect(complaints.hasAlarm).toBe(true)
    expect(logs.at(-1)?.message).toContain('etcd raises an alarm, and stores nothing')
    // What the guide has an operator do.
    const { revision } = (await client.get('/x'))!.header
    const calls = [
      ['kv/compaction', { revision: String(revision) }],
      ['maintenance/defragment', {}],
    ]
    for (const [path, body] of calls)
      expect(await gateway.call(`/v3/${path}`, body, 10_000)).toMatchObject({ code: 'answered' })
    await until('its alarm is gone', async () => {
      await look()
      return !complaints.hasAlarm
    })
    expect(await client.put('/x', value, '')).toBe(true)
    expect(client.writeFault).toBeUndefined()
  }, 60_000)
})
