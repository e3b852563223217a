// Goal: a change that is in force and lacks something is never told as done and no more: without
// the cluster's word it is 503, without the disk's or its signatures the answer has a note.
// Method: the API with a real registry whose disk fails, and with replies given by hand.
import { expect, test } from 'vitest'
import type { RegistryPorts } from '../../../../src/actors/registry/contract.ts'
import { emptyDisk, memoryPorts } from '../../../../src/actors/registry/ports-memory.ts'
import { FILE, objectsWorld } from './objects-world.ts'
import { apiWorld } from './world.ts'

const NOTE = 'in force, but not on disk yet'

test('an edit and an override that the disk has not taken are in force, with a note', async () => {
  const disk = emptyDisk()
  const { objects, store } = memoryPorts(disk)
  const flush = async () => 'failed' as const
  const ports = { objects: { ...objects, flush }, store: { ...store, flush } }
  const world = await objectsWorld(FILE, disk, 1, ports)
  const made = await world.call('POST', '/domains', { name: 'new.example.com' })
  expect([made.status, made.headers['x-opengslb-note']]).toEqual([201, NOTE])
  const gone = await world.call('DELETE', '/domains/new.example.com')
  expect([gone.status, gone.headers['x-opengslb-note']]).toEqual([204, NOTE])
  const order = { healthy: true, reason: 'x', source: 'monitor' }
  const set = await world.call('PUT', '/overrides/app.example.com/192.0.2.1', order)
  expect([set.status, set.headers['x-opengslb-note']]).toEqual([200, NOTE])
})

test('an edit whose names do not compile is kept and held, with a note, until they do', async () => {
  const { compile } = memoryPorts(emptyDisk())
  let fault: string | undefined
  const ports: Partial<RegistryPorts> = {
    compile: (...of) => (fault === undefined ? compile(...of) : { code: 'failed', message: fault }),
  }
  const world = await objectsWorld(FILE, emptyDisk(), 1, ports)
  const make = async (name: string) => {
    const { status, headers } = await world.call('POST', '/domains', { name })
    return [status, headers['x-opengslb-note']]
  }
  const served = () => world.lastPools().map(({ name }) => name)
  fault = 'out of memory'
  const note = 'held: the names do not compile: out of memory'
  expect(await make('new.example.com')).toEqual([201, note])
  expect(served()).not.toContain('new.example.com')
  fault = undefined
  expect(await make('next.example.com')).toEqual([201, undefined])
  expect(served()).toEqual(expect.arrayContaining(['new.example.com', 'next.example.com']))
})

test('what lacks nothing has no note', async () => {
  const world = await objectsWorld()
  const made = await world.call('POST', '/domains', { name: 'new.example.com' })
  expect(made.status).toBe(201)
  expect(made.headers).not.toHaveProperty('x-opengslb-note')
})

test('an edit that the cluster has not stored is answered 503', async () => {
  const world = await apiWorld({ mode: 'cluster' })
  const message = 'domain new.example.com: delete done (in force here)'
  world.answers['api.edit-object'] = () => ({ outcome: 'not-stored', field: '', message })
  const answer = await world.call('DELETE', '/api/v1/domains/new.example.com')
  expect(answer).toMatchObject({ status: 503, json: { error: message } })
})
