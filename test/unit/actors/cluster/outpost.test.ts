// Goal: nodes that use an etcd of others hear the pulse of who leads, where they are told a place.
import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { openOutpost, outpostUrl } from '../../../../src/actors/cluster/outpost.ts'
import { ownAddressOf } from '../../../../src/actors/cluster/ports.ts'
import { knock, listen, openDoor } from '../../../../src/actors/cluster/ports-door.ts'
import { presenceOf } from '../../../../src/core/cluster/records.ts'
import { base64 } from '../../../../src/core/cluster/gateway.ts'
import { freePort, until } from '../../../harness/program.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const tls = { certFile: 'c', keyFile: 'k', caFile: 'a' }

test('the place is told with the address of the machine where it is all of them', () => {
  expect(outpostUrl({ door: '' }, '10.0.0.1')).toBeUndefined()
  expect(outpostUrl({ door: '10.0.0.2:7001' }, '10.0.0.1')).toBe('http://10.0.0.2:7001')
  expect(outpostUrl({ door: '0.0.0.0:7001' }, '10.0.0.1')).toBe('http://10.0.0.1:7001')
  expect(outpostUrl({ door: '[::]:7001' }, '2001:db8::1')).toBe('http://[2001:db8::1]:7001')
  expect(outpostUrl({ door: 'a:7001', nodeTls: tls }, '')).toBe('https://a:7001')
})

test('a place on all addresses of a machine without any ends the start with the key', () => {
  for (const door of [':7001', '0.0.0.0:7001', '[::]:7001'])
    expect(() => outpostUrl({ door }, '')).toThrow(
      `cluster.join_address ${door}: this machine has no address to tell others; name one`,
    )
})

test('the address of a machine is of IPv4 where it has one, and never of a link alone', () => {
  const of = (...addresses: readonly string[]) =>
    ownAddressOf({
      lo: [entry('127.0.0.1', true), entry('::1', true)],
      eth0: addresses.map((address) => entry(address, false)),
    })
  expect(of()).toBe('')
  expect(of('fe80::1')).toBe('')
  expect(of('fe80::1', '2001:db8::1')).toBe('2001:db8::1')
  expect(of('2001:db8::1', '10.0.0.1', '10.0.0.2')).toBe('10.0.0.1')
})

const entry = (address: string, internal: boolean): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo

test('a pulse is heard there, its end at once, and nobody joins', async () => {
  const door = `127.0.0.1:${await freePort()}`
  const words: boolean[] = []
  let isOver = false
  const heard = (tell: (answers: boolean) => void) => {
    tell(true)
    return () => {}
  }
  const close = await openOutpost({ openDoor }, { door }, { heard })
  closing.push(
    listen(`http://${door}`, {
      told: (word) => void words.push(word),
      ended: () => {
        isOver = true
      },
    }),
  )
  await until('a word', () => words.length > 0)
  const asked = JSON.stringify({ name: 'x', peerUrl: 'http://10.0.0.9:7000' })
  const answer = await knock(`http://${door}/opengslb/join`, asked, 1_000)
  expect(answer).toMatchObject({ code: 'answered', status: 409 })
  await close()
  await until('its end', () => isOver)
  expect(words).toEqual([true])
})

test('a place that is taken ends the start with the key at fault', async () => {
  const door = `127.0.0.1:${await freePort()}`
  const heard = () => () => {}
  closing.push(await openOutpost({ openDoor }, { door }, { heard }))
  await expect(openOutpost({ openDoor }, { door }, { heard })).rejects.toThrow(
    `cluster.join_address ${door}`,
  )
})

test('what a sign of life says of the place is an address or nothing', () => {
  const read = (door: unknown) => {
    const said = { name: 'n', address: '', version: '', startedAtMs: 1, door }
    const key = '/opengslb/nodes/n'
    const value = base64(JSON.stringify(said))
    return presenceOf({ key, value } as never)?.door
  }
  expect(read('http://10.0.0.1:7001')).toBe('http://10.0.0.1:7001')
  for (const door of ['ftp://a', 'http://a/b', 'http://u@a', 'http://a b', 7, '', undefined])
    expect(read(door)).toBeUndefined()
})
