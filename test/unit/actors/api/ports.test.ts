/** The question to our own DNS, against small UDP servers on loopback. */
import { createSocket, type Socket } from 'node:dgram'
import { decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { askDns } from '../../../../src/actors/api/ports.ts'
import { encodeQuestion, readReply } from '../../../../src/actors/api/question.ts'

const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

type Answer = (question: Buffer) => readonly (Buffer | Uint8Array)[]

async function dnsServer(answer: Answer, host = '127.0.0.1'): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  open.push(socket)
  socket.on('message', (question, peer) => {
    for (const reply of answer(question)) socket.send(reply, peer.port, peer.address)
  })
  await new Promise<void>((settle) => socket.bind(0, host, settle))
  return socket.address().port
}

/** Flags: QR, and AA or not. */
const reply = (question: Buffer, authoritative: boolean, rcode: number): Buffer => {
  const bytes = Buffer.from(question)
  bytes[2] = 0x80 | (authoritative ? 0x04 : 0)
  bytes[3] = rcode
  return bytes
}

describe('askDns', () => {
  for (const [title, authoritative, rcode] of [
    ['an authoritative answer', true, 0],
    ['a SERVFAIL', true, 2],
    ['a REFUSED', false, 5],
  ] as const) {
    test(`${title} is told as it is`, async () => {
      const port = await dnsServer((question) => [reply(question, authoritative, rcode)])
      expect(await askDns(`127.0.0.1:${port}`, 'app.example.com', 1_000)).toEqual({
        code: 'answered',
        rcode,
        authoritative,
      })
    })
  }

  test('a listener on every address is asked on loopback', async () => {
    const port = await dnsServer((question) => [reply(question, true, 0)])
    for (const host of ['', '0.0.0.0'])
      expect(await askDns(`${host}:${port}`, 'a.b', 1_000)).toMatchObject({ code: 'answered' })
    const port6 = await dnsServer((question) => [reply(question, true, 0)], '::1')
    expect(await askDns(`[::]:${port6}`, 'a.b', 1_000)).toMatchObject({ code: 'answered' })
  })

  test('another id, a question and a stub are no answers', async () => {
    const port = await dnsServer((question) => {
      const other = reply(question, true, 0)
      other[0]! ^= 0xff
      return [
        other,
        question,
        Buffer.from([question[0]!, question[1]!, 0x84]),
        reply(question, true, 3),
      ]
    })
    expect(await askDns(`127.0.0.1:${port}`, 'a.b', 1_000)).toMatchObject({ rcode: 3 })
  })

  test('silence is a time-out, in time', async () => {
    const port = await dnsServer(() => [])
    expect(await askDns(`127.0.0.1:${port}`, 'a.b', 50)).toEqual({ code: 'timed-out' })
  })

  test('a closed port, a bad name and a bad address fail without waiting', async () => {
    const port = await dnsServer(() => [])
    await new Promise<void>((settle) => open.pop()!.close(() => settle()))
    expect(await askDns(`127.0.0.1:${port}`, 'a.b', 5_000)).toMatchObject({ code: 'failed' })
    expect(await askDns('127.0.0.1:53', 'a..b', 5_000)).toMatchObject({ code: 'failed' })
    expect(await askDns('nonsense', 'a.b', 5_000)).toMatchObject({ code: 'failed' })
  })
})

describe('the question', () => {
  test('is one that another codec reads', () => {
    const packet = decode(Buffer.from(encodeQuestion(0xbeef, 'App.example.com.')!)) as Packet
    expect(packet).toMatchObject({ id: 0xbeef, type: 'query', opcode: 'QUERY' })
    expect(packet.flags! & RECURSION_DESIRED).toBe(0)
    expect(packet.questions).toEqual([{ name: 'App.example.com', type: 'A', class: 'IN' }])
  })

  test('the reply of another codec is read', () => {
    const bytes = encode({ type: 'response', id: 7, flags: 0x0400 | 3 })
    expect(readReply(7, bytes)).toEqual({ rcode: 3, authoritative: true })
    expect(readReply(8, bytes)).toBeUndefined()
  })

  for (const [title, name] of [
    ['an empty label', 'a..b'],
    ['a label of 64', `${'x'.repeat(64)}.example`],
    ['a name past 255 octets', Array(50).fill('abcdef').join('.')],
    ['a space', 'a b.example'],
  ] as const) {
    test(`${title} is no name`, () => expect(encodeQuestion(1, name)).toBeUndefined())
  }
})
