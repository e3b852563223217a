/** Goal: nodes that talk over sealed messages end with one key set, and others get nothing. */
import { describe, expect, test } from 'vitest'
import { nodeSyncCrypto } from '../../../../src/actors/signer/ports-sync-crypto.ts'
import { Syncer } from '../../../../src/actors/signer/syncer.ts'
import { fail, ok } from '../../../../src/core/base/result.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { messageBytes } from '../../../../src/core/dnssec/sync/codec.ts'
import { authorityOf, seal } from '../../../../src/core/dnssec/sync/envelope.ts'
import { startDecision } from '../../../../src/core/dnssec/sync/start.ts'
import { KeyRing } from '../../../../src/core/dnssec/sync/ring.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'
import { configOf } from './world.ts'

let drawn = 100
const world = fakeCtx('signer', {})
const syncCrypto = nodeSyncCrypto(crypto)

interface Made {
  readonly ring: KeyRing
  readonly syncer: Syncer
  readonly refused: string[]
}

/** Nodes by the address that others know them under. */
const net = new Map<string, Made>()

function node(
  name: string,
  peers: readonly string[],
  secret = 'a secret of overwatches',
  at = `http://${name}`,
): Made {
  const newLineage = () => (++drawn).toString(16).padStart(32, '0')
  const ring = new KeyRing({
    node: name,
    instance: newLineage(),
    crypto,
    rsaBits: 2_048,
    newLineage,
  })
  ring.setZones([{ zone: ZONE, policy: plainPolicy }])
  const refused: string[] = []
  const syncer = new Syncer(
    {
      ...{ clock: world.clock, ring, crypto: syncCrypto },
      post: async (peer, message) => {
        const answer = await net.get(peer)?.syncer.answer(message, '192.0.2.1')
        if (answer === undefined) return fail('nobody is there')
        return answer.ok ? ok(answer.value) : fail(`it answered 403: ${answer.error}`)
      },
      changed: async () => {},
      looked: () => {},
      refused: (text) => refused.push(text),
    },
    { ...configOf().keySync, peers, secrets: secret === '' ? [] : [secret] },
  )
  const made = { ring, syncer, refused }
  net.set(at, made)
  return made
}

const tags = ({ ring }: Made) =>
  (ring.zone(ZONE)?.bundle?.state.keys ?? []).map((key) => key.tag).sort((a, b) => a - b)

const nowSeconds = () => Math.floor(world.clock.nowMs() / 1_000)

describe('a syncer', () => {
  test('takes the keys of a peer, and hands over its own to one that takes them in', async () => {
    const one = node('one', [])
    const two = node('two', ['http://one'])
    one.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    await two.syncer.poll()
    expect(tags(two)).toEqual(tags(one))
    const three = node('three', ['http://two'])
    three.ring.begin(ZONE, nowSeconds() + 10, { isProvisional: false })
    await three.syncer.poll()
    // The second does not lead, and passes the stray on to who does.
    await two.syncer.poll()
    const settings = { takeoverSeconds: 600, patienceSeconds: 86_400 }
    one.ring.turn({ nowSeconds: nowSeconds(), startedSeconds: nowSeconds(), ...settings })
    expect(tags(one)).toHaveLength(2)
    await two.syncer.poll()
    await three.syncer.poll()
    expect(tags(three)).toEqual(tags(one))
    expect(two.syncer.view()).toMatchObject({ lastError: '', enabled: true })
  })

  test('names the peers that never answered since the start', async () => {
    const one = node('one', ['http://two', 'http://nobody'])
    node('two', [])
    expect(one.syncer.unheard).toEqual(['http://two', 'http://nobody'])
    await one.syncer.poll()
    expect(one.syncer.unheard).toEqual(['http://nobody'])
    one.syncer.configure({ ...configOf().keySync, peers: ['http://two'], secrets: ['another'] })
    expect(one.syncer.unheard).toEqual([])
  })

  test('tells itself from another node of its name, which is heard of nothing and begins no DS', async () => {
    const one = node('one', ['http://one', 'http://two'])
    const two = node('one', ['http://one', 'http://two'], 'a secret of overwatches', 'http://two')
    one.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    await one.syncer.poll()
    await two.syncer.poll()
    for (const [{ syncer }, at] of [
      [one, 'http://two'],
      [two, 'http://one'],
    ] as const) {
      expect(syncer.view().lastError).toContain(
        `${at}: another process answers there under the name`,
      )
      // So no DS is offered, and keys that differ do no harm.
      expect(syncer.unheard).toEqual([at])
      expect(syncer.view().nextSyncMs).toBeLessThanOrEqual(world.clock.nowMs() + 60_000)
    }
    // Nor does a node without keys take the other one for itself, and begin some at once.
    const peers = two.syncer.startingPeers(ZONE)
    expect(startDecision('one', peers, 0, 30_000)).toBe('wait')
  })

  test('says what is wrong with a peer of another secret, and neither learns anything', async () => {
    const one = node('one', [])
    const stranger = node('stranger', ['http://one'], 'some other secret of others')
    one.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    await stranger.syncer.poll()
    expect(tags(stranger)).toEqual([])
    expect(stranger.syncer.view().lastError).toBe('http://one: it answered 403: not-authentic')
    expect(one.refused).toHaveLength(1)
  })

  test('refuses unread after many of a client that do not open, and hears all others', async () => {
    const [one, two] = [node('one', []), node('two', ['http://one'])]
    one.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    const garbage = (client: string) => one.syncer.answer(new Uint8Array(200), client)
    const most = limits.syncRefusalsPerMinute.default
    for (let count = 0; count < most; count++)
      expect(await garbage('198.51.100.1')).toEqual(fail('malformed'))
    expect(await garbage('198.51.100.1')).toEqual(fail('too-many'))
    await two.syncer.poll()
    expect(tags(two)).toEqual(tags(one))
    // Of IPv6 a network counts.
    for (let count = 0; count < most; count++) await garbage(`2001:db8::${count.toString(16)}`)
    expect(await garbage('2001:db8::ffff')).toEqual(fail('too-many'))
    await world.clock.advanceAsync(61_000)
    expect(await garbage('198.51.100.1')).toEqual(fail('malformed'))
  })

  test('of many strangers together hears those whose messages opened before', async () => {
    const [one, two] = [node('one', []), node('two', ['http://one'])]
    one.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    await two.syncer.poll()
    const garbage = (at: number) =>
      one.syncer.answer(new Uint8Array(200), `198.51.${at >> 8}.${at & 255}`)
    for (let at = 0; at < limits.syncRefusalsTogether.default; at++) await garbage(at)
    expect(await garbage(9_999)).toEqual(fail('too-many'))
    await two.syncer.poll()
    expect(two.syncer.view().lastError).toBe('')
  })

  test('takes no keys out of a message that all who know the secret could read', async () => {
    const [one, two] = [node('one', []), node('two', [])]
    two.ring.begin(ZONE, nowSeconds(), { isProvisional: false })
    const bundles = [two.ring.zone(ZONE)!.bundle!]
    const message = messageBytes({ ...two.ring.request('', nowSeconds()), bundles })
    const authority = authorityOf(new TextEncoder().encode('a secret of overwatches'), syncCrypto)
    const envelope = seal(message, authority, undefined, syncCrypto)!
    expect(await one.syncer.answer(envelope.bytes, '198.51.100.1')).toEqual(fail('malformed'))
    expect(tags(one)).toEqual([])
  })

  test('answers nobody without a secret', async () => {
    const one = node('one', ['http://two'], '')
    expect(one.syncer.hasPeers).toBe(false)
    expect(await one.syncer.answer(new Uint8Array(200), '198.51.100.1')).toEqual(
      fail('not-authentic'),
    )
  })
})
