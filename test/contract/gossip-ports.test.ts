// Goal: the network in memory that gossip is tested on does what the sockets of a machine do.
// Method: one suite, run on both; the one in memory runs on the real clock here.
import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, test } from 'vitest'
import type {
  Datagram,
  GossipPorts,
  GossipSocket,
  Heard,
  SocketEars,
  StreamEars,
} from '../../src/actors/gossip/contract.ts'
import { openPorts } from '../../src/actors/gossip/ports.ts'
import type { Endpoint } from '../../src/core/gossip/messages.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { GossipNetwork } from '../harness/gossip-network.ts'

const octets = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

const sockets: GossipSocket[] = []
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()))
})

/** Ears that keep what they hear; a message is whole when it ends with a full stop. */
function keeping(answer: (message: string) => Heard = () => 'done') {
  const datagrams: Datagram[] = []
  const streams: string[] = []
  const waiting: (() => void)[] = []
  const wake = () => {
    for (const one of waiting.splice(0)) one()
  }
  const ears: SocketEars = {
    datagrams: (batch) => {
      datagrams.push(...batch)
      wake()
    },
    accept: () =>
      whole((message) => {
        streams.push(message)
        wake()
        return answer(message)
      }),
  }
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { ears, datagrams, streams, until }
}

function whole(take: (message: string) => Heard): StreamEars {
  let heard = ''
  return {
    feed: (bytes) => {
      heard += text(bytes)
      return heard.endsWith('.') ? take(heard) : 'more'
    },
    end: () => take(`${heard} cut`),
  }
}

const worlds: Readonly<Record<string, () => GossipPorts>> = {
  'in memory': () => new GossipNetwork(realClock()).ports('127.0.0.1'),
  'of the machine': openPorts,
}

for (const [name, make] of Object.entries(worlds)) {
  describe(`sockets ${name}`, () => {
    async function open(ports: GossipPorts, ears: SocketEars, bind = '127.0.0.1:0') {
      const opened = await ports.open(bind, ears)
      if (!opened.ok) throw new Error(opened.error.message)
      sockets.push(opened.value)
      return opened.value
    }

    test('a datagram arrives whole, from the place its sender is bound to', async () => {
      const ports = make()
      const b = keeping()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      expect(from.endpoint.addr).toEqual(LOOPBACK)
      expect(from.endpoint.port).not.toBe(to.endpoint.port)
      expect(from.send(octets('hello'), to.endpoint)).toBe(true)
      await b.until(() => b.datagrams.length === 1)
      expect(text(b.datagrams[0]!.octets)).toBe('hello')
      expect(b.datagrams[0]!.from).toEqual(from.endpoint)
    })

    test('an IPv4 address in sixteen octets is the same place', async () => {
      const ports = make()
      const b = keeping()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      const addr = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...to.endpoint.addr)
      const place = { addr, port: to.endpoint.port }
      expect(from.send(octets('mapped'), place)).toBe(true)
      await b.until(() => b.datagrams.length === 1)
      expect(
        await from.dial(
          place,
          octets('x.'),
          2_000,
          whole(() => 'done'),
        ),
      ).toBe('done')
    })

    test('a datagram that nobody hears, or that is too long, is no fault', async () => {
      const ports = make()
      const b = keeping()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      from.send(octets('nobody'), { addr: LOOPBACK, port: 9 })
      expect(from.send(new Uint8Array(65_508), to.endpoint)).toBe(false)
      from.send(octets('after'), to.endpoint)
      await b.until(() => b.datagrams.length === 1)
    })

    test('a message over a connection is answered on it, in pieces or not', async () => {
      const ports = make()
      const long = `${'x'.repeat(200_000)}.`
      const b = keeping((message) => octets(`${message.length} octets.`))
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      const answers: string[] = []
      const ears = whole((message) => {
        answers.push(message)
        return 'done'
      })
      expect(await from.dial(to.endpoint, octets(long), 2_000, ears)).toBe('done')
      expect(answers).toEqual(['200001 octets.'])
    })

    test('a message that wants no answer is done once the other side has it', async () => {
      const ports = make()
      const b = keeping()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      expect(await from.dial(to.endpoint, octets('fact.'), 2_000)).toBe('done')
      expect(b.streams).toEqual(['fact.'])
    })

    test('a connection that ends before its message is told so', async () => {
      const ports = make()
      const b = keeping()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, b.ears)]
      await from.dial(to.endpoint, octets('half a'), 2_000)
      await b.until(() => b.streams.length === 1)
      expect(b.streams).toEqual(['half a cut'])
    })

    test('a dialler waits for its answer no longer than it says', async () => {
      const ports = make()
      const [from, to] = [await open(ports, keeping().ears), await open(ports, keeping().ears)]
      const started = performance.now()
      const ears = whole(() => 'done')
      expect(await from.dial(to.endpoint, octets('no stop'), 100, ears)).toBe('timed-out')
      expect(performance.now() - started).toBeLessThan(1_500)
    })

    test('where nobody listens a connection is refused', async () => {
      const ports = make()
      const from = await open(ports, keeping().ears)
      const gone = await open(ports, keeping().ears)
      const { endpoint } = gone
      await gone.close()
      expect(await from.dial(endpoint, octets('x.'), 2_000)).toBe('refused')
    })

    test('an address that is taken, or is none, is an outcome', async () => {
      const ports = make()
      const first = await open(ports, keeping().ears)
      const again = await ports.open(`127.0.0.1:${first.endpoint.port}`, keeping().ears)
      expect(again).toMatchObject({ ok: false, error: { code: 'in-use' } })
      const none = await ports.open('nonsense', keeping().ears)
      expect(none).toMatchObject({ ok: false, error: { code: 'malformed' } })
    })

    test('a closed socket says nothing more and its port is free again', async () => {
      const ports = make()
      const first = await open(ports, keeping().ears)
      const { endpoint } = first
      await first.close()
      await first.close()
      expect(first.send(octets('x'), endpoint)).toBe(false)
      const again = await open(ports, keeping().ears, `127.0.0.1:${endpoint.port}`)
      expect(again.endpoint).toEqual(endpoint)
    })

    test('addresses resolve, and what is no address resolves to none', async () => {
      const ports = make()
      const expected: Endpoint[] = [{ addr: LOOPBACK, port: 7946 }]
      expect(await ports.resolve('127.0.0.1:7946')).toEqual(expected)
      expect(await ports.resolve('does-not-exist.invalid:7946')).toEqual([])
      expect(await ports.resolve('nonsense')).toEqual([])
      expect(await ports.addressTowards({ addr: LOOPBACK, port: 7946 })).toEqual(LOOPBACK)
      // Where there is no way, as before a link is up, it is that of no socket.
      const noWay = { addr: Uint8Array.of(255, 255, 255, 255), port: 7946 }
      expect(await ports.addressTowards(noWay)).toEqual(await ports.addressTowards(undefined))
    })
  })
}

describe('sockets of the machine', () => {
  test('UDP and TCP share a number although UDP has some taken', async () => {
    const ports = openPorts()
    for (let round = 0; round < 20; round++) {
      const opened = await ports.open('127.0.0.1:0', keeping().ears)
      if (!opened.ok) throw new Error(opened.error.message)
      sockets.push(opened.value)
      const { port } = opened.value.endpoint
      const tcp = await portInUse((done) =>
        createServer().once('error', done).listen(port, '127.0.0.1'),
      )
      const udp = await portInUse((done) =>
        createSocket('udp4')
          .once('error', done)
          .bind({ port, address: '127.0.0.1', exclusive: true }),
      )
      expect([tcp, udp]).toEqual(['EADDRINUSE', 'EADDRINUSE'])
    }
  })

  test('a connection that says nothing is one of few, and those past the bound are closed', async () => {
    const ports = openPorts()
    const opened = await ports.open('127.0.0.1:0', keeping().ears)
    if (!opened.ok) throw new Error(opened.error.message)
    sockets.push(opened.value)
    const ears = () => whole(() => 'done')
    const dials = Array.from({ length: 40 }, () =>
      opened.value.dial(opened.value.endpoint, octets('no stop'), 300, ears()),
    )
    const outcomes = await Promise.all(dials)
    expect(outcomes.filter((one) => one === 'timed-out').length).toBe(16)
    expect(opened.value.counts().refused).toBe(24)
  })

  test('IPv6 carries datagrams and connections', async () => {
    const ports = openPorts()
    const b = keeping(() => octets('yes.'))
    const [from, to] = await Promise.all([
      ports.open('[::1]:0', keeping().ears),
      ports.open('[::1]:0', b.ears),
    ])
    if (!from.ok || !to.ok) throw new Error('IPv6 of the loopback is there')
    sockets.push(from.value, to.value)
    from.value.send(octets('six'), to.value.endpoint)
    await b.until(() => b.datagrams.length === 1)
    expect(b.datagrams[0]!.from).toEqual(from.value.endpoint)
    const ears = whole(() => 'done')
    expect(await from.value.dial(to.value.endpoint, octets('x.'), 1_000, ears)).toBe('done')
  })
})

function portInUse(bind: (done: (error: NodeJS.ErrnoException) => void) => unknown) {
  return new Promise<string | undefined>((resolve) => bind(({ code }) => resolve(code)))
}
