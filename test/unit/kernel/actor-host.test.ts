/**
 * Goal: one incarnation behaves as the semantics say, whatever its peer and its own code do.
 * Method: the actor `hub` in a real host; the test plays its peer `peer`, frame by frame.
 */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../src/core/base/limits.ts'
import type { AnyBehaviour, AnyCtx } from '../../../src/kernel/erased.ts'
import { Paced } from '../../../src/kernel/paced.ts'
import type { Catalogue } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'
import { playHost } from '../../harness/pair.ts'
import { settle } from '../../harness/virtual-clock.ts'

const fields = { n: field.number('any') }
const fact = { kind: 'fact', key: [], maxBytes: 1_024, fields, doc: '' } as const
const request = { kind: 'request', maxBytes: 1_024, fields, reply: fields, doc: '' } as const

const catalogue = {
  'hub.latest-set': { ...fact, id: 1, from: 'hub', to: ['peer'], delivery: 'latest', key: ['n'] },
  'hub.event-happened': { ...fact, id: 2, from: 'hub', to: ['peer'], delivery: 'each' },
  'hub.do': { ...request, id: 3, from: 'hub', to: ['peer'] },
  'peer.number-set': { ...fact, id: 4, from: 'peer', to: ['hub'], delivery: 'each' },
  'other.do': { ...request, id: 5, from: 'other', to: ['hub'] },
} as const satisfies Catalogue

const quiet = (receive: AnyBehaviour['receive'] = {}): AnyBehaviour => ({
  receive: { 'peer.number-set': () => {}, 'other.do': (message) => message, ...receive },
})

const numbers = (items: readonly { message?: unknown }[]) =>
  items.map(({ message }) => (message as { n: number }).n)

describe('sending', () => {
  test('what one turn publishes leaves as one batch at its end', async () => {
    const { host, ctx, wire } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    for (const n of [1, 2, 3]) ctx.publish('hub.event-happened', { n })
    expect(peer.frames).toEqual([])
    await settle()
    expect(peer.frames).toHaveLength(1)
    expect(numbers(peer.items() as never)).toEqual([1, 2, 3])
  })

  test('at most four batches are unacknowledged, and `latest` keeps the newest meanwhile', async () => {
    const { host, ctx, wire } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    for (let round = 0; round < 10; round++) {
      ctx.publish('hub.latest-set', { n: round % 2 })
      await settle()
    }
    expect(peer.frames).toHaveLength(limits.unackedBatchesPerPeer.default)
    peer.ack(4)
    expect(peer.frames).toHaveLength(5)
    expect(numbers(peer.items() as never)).toEqual([0, 1, 0, 1, 0, 1])
  })

  test('a message to a peer that fell is dropped and counted, one before its first start not', async () => {
    const { host, ctx, metrics, wire } = await playHost(catalogue, 'hub', () => quiet())
    ctx.publish('hub.event-happened', { n: 1 })
    const labels = { from: 'hub', to: 'peer', message: 'hub.event-happened' }
    expect(metrics.value('opengslb_outbox_dropped_total', labels) ?? 0).toBe(0)
    host.connect('peer', wire().wire)
    host.control({ kind: 'peer-down', peer: 'peer' })
    ctx.publish('hub.event-happened', { n: 2 })
    expect(metrics.value('opengslb_outbox_dropped_total', labels)).toBe(1)
  })

  test('after `latest` messages were dropped for want of room, the actor says again', async () => {
    const again: string[] = []
    const behaviour = { ...quiet(), onPeerStarted: (peer: string) => void again.push(peer) }
    const { host, ctx, clock, wire } = await playHost(catalogue, 'hub', () => behaviour)
    const peer = wire()
    host.connect('peer', peer.wire)
    const room = limits.outboxMessagesPerPeer.default + 4 * limits.batchMessages.default
    for (let n = 0; n < room + 10_000; n++) ctx.publish('hub.latest-set', { n })
    for (let acks = 0; acks < 200; acks++) {
      await settle()
      peer.ack(4)
    }
    expect(again).toEqual([])
    clock.advance(limits.sayAgainDelayMs.default)
    expect(again).toEqual(['peer'])
  })

  test('more than an outbox holds is said whole, as fast as it is read', async () => {
    const { host, ctx, clock, metrics, wire } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    const all = limits.outboxMessagesPerPeer.default + 10_000
    let most = 0
    function* words() {
      for (let n = 0; n < all; n++) {
        yield ctx.publish('hub.latest-set', { n })
        most = Math.max(most, ctx.fill('hub.latest-set'))
      }
    }
    const paced = new Paced(ctx.clock, () => ctx.fill('hub.latest-set'))
    paced.run(words())
    await clock.advanceAsync(1_000)
    // A reader that takes nothing is waited for.
    expect(peer.frames).toHaveLength(limits.unackedBatchesPerPeer.default)
    paced.run(words())
    for (let acks = 0; acks < 200; acks++) {
      peer.ack(4)
      await clock.advanceAsync(10)
    }
    expect(new Set(numbers(peer.items() as never)).size).toBe(all)
    const labels = { from: 'hub', to: 'peer', message: 'hub.latest-set' }
    expect(metrics.value('opengslb_outbox_dropped_total', labels) ?? 0).toBe(0)
    expect(most).toBeLessThan(0.1)
  })

  test('publishing what is not its own message ends the actor', async () => {
    const { ctx } = await playHost(catalogue, 'hub', () => quiet())
    expect(() => ctx.publish('peer.number-set', { n: 1 })).toThrow('is a fact of hub')
    expect(() => ctx.publish('hub.event-happened', { n: 'x' })).toThrow('n is number')
  })

  test('after its end an incarnation neither sends nor asks nor wakes', async () => {
    const { host, ctx, clock, wire } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    let woken = 0
    ctx.clock.after(5, () => woken++)
    ctx.publish('hub.event-happened', { n: 1 })
    host.end()
    ctx.publish('hub.event-happened', { n: 2 })
    ctx.clock.after(5, () => woken++)
    let settledAsk = false
    void ctx.ask('hub.do', { n: 1 }).then(() => {
      settledAsk = true
    })
    await clock.advanceAsync(10_000)
    expect([peer.frames, peer.closed, woken, settledAsk]).toEqual([[], true, 0, false])
  })
})

describe('receiving', () => {
  test('batches are acknowledged in halves of the window, once handled', async () => {
    const { host, wire, codec } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    const item = () => codec.fact('peer.number-set', { n: 1 })
    peer.send(item())
    expect(peer.frames).toEqual([])
    peer.send(item(), item())
    expect(peer.frames).toEqual([2])
  })

  test('what comes before the actor is up waits for it, in order; replies do not', async () => {
    const seen: number[] = []
    const asked: boolean[] = []
    const start = async (ctx: AnyCtx) => {
      await new Promise<void>((resolve) => void ctx.clock.after(10, resolve))
      asked.push((await ctx.ask('hub.do', { n: 1 })).ok)
      return quiet({ 'peer.number-set': (message) => void seen.push((message as { n: number }).n) })
    }
    const { host, clock, wire, codec, reports } = await playHost(catalogue, 'hub', start, {
      await: false,
    })
    const peer = wire()
    host.connect('peer', peer.wire)
    peer.send(codec.fact('peer.number-set', { n: 1 }))
    peer.send(codec.fact('peer.number-set', { n: 2 }))
    await clock.advanceAsync(10)
    expect([seen, reports]).toEqual([[], []])
    peer.send(codec.fact('peer.number-set', { n: 3 }), codec.reply('hub.do', 1, { n: 9 })!)
    await settle()
    expect([seen, asked, reports]).toEqual([[1, 2, 3], [true], [{ kind: 'ready' }]])
  })

  test('messages that are not from that peer, or not known, are left out and counted', async () => {
    const { host, metrics, wire, codec } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    peer.send(
      codec.request('other.do', 1, { n: 1 }),
      codec.fact('hub.event-happened', { n: 1 }),
      new Uint8Array([0x91, 0x63]),
    )
    const labels = { from: 'peer', to: 'hub' }
    expect(metrics.value('opengslb_messages_malformed_total', labels)).toBe(3)
    expect(host.ended).toBe(false)
  })

  test('frames of a wire that was replaced are ignored', async () => {
    const seen: unknown[] = []
    const receive = { 'peer.number-set': (message: unknown) => void seen.push(message) }
    const { host, wire, codec } = await playHost(catalogue, 'hub', () => quiet(receive))
    const [old, present] = [wire(), wire()]
    host.connect('peer', old.wire)
    host.connect('peer', present.wire)
    old.send(codec.fact('peer.number-set', { n: 1 }))
    present.send(codec.fact('peer.number-set', { n: 2 }))
    expect([seen, old.closed]).toEqual([[{ n: 2 }], true])
  })

  test('acknowledgements of a wire that was replaced open no window', async () => {
    const { host, ctx, wire } = await playHost(catalogue, 'hub', () => quiet())
    const [old, present] = [wire(), wire()]
    host.connect('peer', old.wire)
    host.connect('peer', present.wire)
    for (let n = 0; n < 8; n++) {
      ctx.publish('hub.event-happened', { n })
      await settle()
    }
    old.ack(4)
    expect(present.frames).toHaveLength(4)
  })

  test('a reply to an asker that has died meanwhile reaches nobody', async () => {
    let finish: (message: unknown) => void = () => {}
    const receive = { 'other.do': () => new Promise((resolve) => (finish = resolve)) }
    const { host, wire, codec } = await playHost(catalogue, 'hub', () => quiet(receive))
    const [first, second] = [wire(), wire()]
    host.connect('other', first.wire)
    first.send(codec.request('other.do', 1, { n: 1 }))
    host.control({ kind: 'peer-down', peer: 'other' })
    host.connect('other', second.wire)
    finish({ n: 1 })
    await settle()
    expect([first.items(), second.items()]).toEqual([[], []])
  })

  test('more requests at once than the bound are refused', async () => {
    const never = { 'other.do': () => new Promise(() => {}) }
    const { host, wire, codec, deferred } = await playHost(catalogue, 'hub', () => quiet(never))
    const other = wire()
    host.connect('other', other.wire)
    const bound = limits.pendingAsksPerPeer.default
    for (let call = 1; call <= bound + 2; call++) {
      other.send(codec.request('other.do', call, { n: 1 }))
      for (const turn of deferred.splice(0)) turn()
    }
    await settle()
    expect(other.items()).toEqual([
      { kind: 'failure', call: bound + 1, why: 'too many requests at once' },
      { kind: 'failure', call: bound + 2, why: 'too many requests at once' },
    ])
  })
})

describe('ending', () => {
  test.each<[string, (ctx: AnyCtx) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'breaks in a timer',
      (ctx) =>
        ctx.clock.after(1, () => {
          throw new Error('broken')
        }),
    ],
    [
      'breaks after an await in a timer',
      (ctx) => ctx.clock.every(1, 1, () => Promise.reject(new Error('broken'))),
    ],
  ])('an actor that %s has ended, and the supervisor is told why', async (_, run) => {
    const { host, reports, clock, wire, codec } = await playHost(catalogue, 'hub', (ctx) =>
      quiet({ 'peer.number-set': () => run(ctx) }),
    )
    const peer = wire()
    host.connect('peer', peer.wire)
    peer.send(codec.fact('peer.number-set', { n: 1 }), codec.fact('peer.number-set', { n: 2 }))
    await clock.advanceAsync(5)
    const fault = { code: 'uncaught-exception', message: 'broken' }
    expect(reports).toEqual([{ kind: 'ready' }, { kind: 'ended', fault }])
    expect([host.ended, peer.closed]).toEqual([true, true])
  })

  test('a behaviour without an entry for one of its messages does not start', async () => {
    const { reports } = await playHost(catalogue, 'hub', () => ({ receive: {} }))
    expect(reports).toMatchObject([{ kind: 'ended', fault: { code: 'assertion-failed' } }])
  })

  test('a stop runs onStop, sends what is left and reports', async () => {
    const { host, reports, clock, wire } = await playHost(catalogue, 'hub', (ctx) => ({
      ...quiet(),
      onStop: async () => {
        await new Promise<void>((resolve) => void ctx.clock.after(10, resolve))
        ctx.publish('hub.event-happened', { n: 7 })
      },
    }))
    const peer = wire()
    host.connect('peer', peer.wire)
    host.control({ kind: 'stop' })
    await clock.advanceAsync(50)
    expect(numbers(peer.items() as never)).toEqual([7])
    expect(reports.at(-1)).toMatchObject({ kind: 'ended', fault: { code: 'stopped' } })
  })

  test('a stop does not wait for a peer that reads nothing', async () => {
    const { host, ctx, reports, clock, wire } = await playHost(catalogue, 'hub', () => quiet())
    host.connect('peer', wire().wire)
    for (let n = 0; n < 10; n++) {
      ctx.publish('hub.event-happened', { n })
      await settle()
    }
    host.control({ kind: 'stop' })
    await clock.advanceAsync(limits.stopDrainMs.default + 10)
    expect(reports.at(-1)).toMatchObject({ kind: 'ended', fault: { code: 'stopped' } })
  })
})

describe('asking', () => {
  test('a request ends once: reply, fault, deadline or death of the peer', async () => {
    const { host, ctx, clock, wire, codec } = await playHost(catalogue, 'hub', () => quiet())
    expect(await ctx.ask('hub.do', { n: 0 })).toEqual({ ok: false, error: { code: 'peer-down' } })
    const peer = wire()
    host.connect('peer', peer.wire)
    const [replied, failed, late, orphan] = [1, 2, 3, 4].map((n) => ctx.ask('hub.do', { n }, 100))
    await settle()
    peer.send(codec.reply('hub.do', 1, { n: 10 })!, codec.failure(2, 'no'))
    expect(await replied).toEqual({ ok: true, value: { n: 10 } })
    expect(await failed).toEqual({ ok: false, error: { code: 'failed', message: 'no' } })
    clock.advance(99)
    const young = ctx.ask('hub.do', { n: 5 }, 100)
    clock.advance(1)
    expect(await late).toEqual({ ok: false, error: { code: 'timed-out' } })
    expect(await orphan).toEqual({ ok: false, error: { code: 'timed-out' } })
    peer.send(codec.reply('hub.do', 3, { n: 30 })!)
    host.control({ kind: 'peer-down', peer: 'peer' })
    expect(await young).toEqual({ ok: false, error: { code: 'peer-down' } })
  })

  test('a request still queued at its deadline is not sent any more', async () => {
    const { host, ctx, clock, wire } = await playHost(catalogue, 'hub', () => quiet())
    const peer = wire()
    host.connect('peer', peer.wire)
    for (let n = 0; n < 4; n++) {
      ctx.publish('hub.event-happened', { n })
      await settle()
    }
    void ctx.ask('hub.do', { n: 1 }, 100)
    clock.advance(100)
    peer.ack(4)
    await settle()
    expect(peer.items().some(({ kind }) => kind === 'request')).toBe(false)
  })
})
