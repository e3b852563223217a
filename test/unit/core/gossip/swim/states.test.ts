/**
 * What each message does to what is known: the membership state machine as tables.
 *
 * A script is a list of messages; the end state of `b` and the events are what is expected.
 */
import { describe, expect, test } from 'vitest'
import { alive, at, dead, Lab, suspect, text } from './lab.ts'

const LAST = 0xffff_ffff
const elsewhere = { addr: Uint8Array.of(10, 9, 9, 9) }
const mapped = { addr: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 98) }

describe('about another member', () => {
  test.each([
    ['a first alive adds it', [alive('b')], 'alive 1', ['joined b']],
    ['the same alive again is nothing', [alive('b'), alive('b')], 'alive 1', ['joined b']],
    ['an older alive is nothing', [alive('b', 3), alive('b', 2)], 'alive 3', ['joined b']],
    ['a newer alive is taken silently', [alive('b'), alive('b', 2)], 'alive 2', ['joined b']],
    ['suspicion of a stranger is nothing', [suspect('b', 1, 'c')], 'unknown', []],
    ['death of a stranger is nothing', [dead('b', 1, 'c')], 'unknown', []],
    [
      'a suspicion of the same incarnation counts',
      [alive('b'), suspect('b', 1, 'c')],
      'suspect 1',
      ['joined b', 'suspected b'],
    ],
    [
      'an older suspicion is nothing',
      [alive('b', 2), suspect('b', 1, 'c')],
      'alive 2',
      ['joined b'],
    ],
    [
      'alive of the same incarnation does not clear it',
      [alive('b'), suspect('b', 1, 'c'), alive('b')],
      'suspect 1',
      ['joined b', 'suspected b'],
    ],
    [
      'alive of a newer incarnation does',
      [alive('b'), suspect('b', 1, 'c'), alive('b', 2)],
      'alive 2',
      ['joined b', 'suspected b', 'cleared b'],
    ],
    [
      'a newer accusation must be outdone by a newer refutation',
      [alive('b'), suspect('b', 1, 'c'), suspect('b', 5, 'd'), alive('b', 3)],
      'suspect 5',
      ['joined b', 'suspected b'],
    ],
    [
      'a death told by others is a failure',
      [alive('b'), dead('b', 1, 'c')],
      'dead 1',
      ['joined b', 'failed b'],
    ],
    [
      'a death told by itself is a leave',
      [alive('b'), dead('b', 1, 'b')],
      'left 1',
      ['joined b', 'left b'],
    ],
    ['an older death is nothing', [alive('b', 2), dead('b', 1, 'c')], 'alive 2', ['joined b']],
    [
      'a second death is nothing',
      [alive('b'), dead('b', 1, 'c'), dead('b', 3, 'b')],
      'dead 1',
      ['joined b', 'failed b'],
    ],
    [
      'the dead do not rise in an old incarnation',
      [alive('b', 2), dead('b', 2, 'c'), alive('b', 2), alive('b', 1)],
      'dead 2',
      ['joined b', 'failed b'],
    ],
    [
      'they do in a new one',
      [alive('b'), dead('b', 1, 'c'), alive('b', 2)],
      'alive 2',
      ['joined b', 'failed b', 'joined b'],
    ],
    [
      'the dead are not suspected',
      [alive('b'), dead('b', 1, 'c'), suspect('b', 2, 'd')],
      'dead 1',
      ['joined b', 'failed b'],
    ],
    [
      'new metadata is an update',
      [alive('b'), alive('b', 2, { meta: text('x') })],
      'alive 2',
      ['joined b', 'updated b'],
    ],
    [
      'incarnations wrap',
      [alive('b', LAST), suspect('b', LAST, 'c'), alive('b', 0)],
      'alive 0',
      ['joined b', 'suspected b', 'cleared b'],
    ],
    [
      'and what came before the wrap is old',
      [alive('b', 0), dead('b', LAST, 'c')],
      'alive 0',
      ['joined b'],
    ],
    [
      'another address of a live name is a conflict',
      [alive('b'), alive('b', 2, elsewhere)],
      'alive 1',
      ['joined b', 'conflict b'],
    ],
    [
      'the 16-octet form of an address is another address',
      [alive('b'), alive('b', 2, mapped)],
      'alive 1',
      ['joined b', 'conflict b'],
    ],
    [
      'a name that left may come back elsewhere',
      [alive('b'), dead('b', 1, 'b'), alive('b', 2, elsewhere)],
      'alive 2',
      ['joined b', 'left b', 'joined b'],
    ],
    [
      'but not in an old incarnation',
      [alive('b', 2), dead('b', 2, 'b'), alive('b', 1, elsewhere)],
      'left 2',
      ['joined b', 'left b'],
    ],
    [
      'a dead name may not move',
      [alive('b'), dead('b', 1, 'c'), alive('b', 2, elsewhere)],
      'dead 1',
      ['joined b', 'failed b', 'conflict b'],
    ],
  ] as const)('%s', (_title, script, state, events) => {
    const lab = new Lab().hear(script)
    expect(lab.state('b')).toBe(state)
    expect(lab.events()).toEqual(events)
  })

  test.each([
    ['no name', { node: '' }],
    ['a long name', { node: 'b'.repeat(256) }],
    ['an address of 5 octets', { addr: new Uint8Array(5) }],
    ['no port', { port: 0 }],
    ['long metadata', { meta: new Uint8Array(513) }],
    ['no lowest version', { vsn: [0, 5, 2, 0, 0, 0] }],
    ['no highest version', { vsn: [1, 0, 2, 0, 0, 0] }],
    ['versions the wrong way round', { vsn: [5, 1, 2, 0, 0, 0] }],
  ] as const)('alive with %s is ignored', (_title, more) => {
    const lab = new Lab().hear(alive('b', 1, more))
    expect(lab.membership.counts.known).toBe(1)
    expect(lab.events()).toEqual([])
  })

  test('a dead name may move once the time to reclaim it has passed, and not before', () => {
    const lab = new Lab({ settings: { deadNodeReclaimMs: 5_000 } })
    lab.hear([alive('b'), dead('b', 1, 'c')])
    lab.pass(5_000).hear(alive('b', 2, elsewhere))
    expect(lab.state('b')).toBe('dead 1')
    lab.pass(1).hear(alive('b', 2, elsewhere))
    expect(lab.state('b')).toBe('alive 2')
    expect(lab.membership.member('b')?.addr).toEqual(elsewhere.addr)
  })

  test('addresses and metadata are kept octet by octet and told on as they came', () => {
    const lab = new Lab().hear([alive('b', 1, mapped), alive('c')])
    lab.pass(1_000)
    const told = lab.packets().flatMap(({ messages }) => messages)
    const ofB = told.filter((message) => message.type === 'alive' && message.node === 'b')
    expect(ofB.length).toBeGreaterThan(0)
    expect(ofB.every((message) => 'addr' in message && message.addr === mapped.addr)).toBe(true)
  })
})

describe('about ourselves', () => {
  test.each([
    ['a suspicion is refuted', suspect('a', 1, 'b'), 2],
    ['a death is refuted', dead('a', 1, 'b'), 2],
    ['an accusation from the future is outdone', suspect('a', 41, 'b'), 42],
    ['one at the end of the numbers too', dead('a', 0x7fff_ffff, 'b'), 0x8000_0000],
    ['an old accusation is nothing', suspect('a', 0, 'b'), 1],
    ['our own news is nothing', alive('a', 1), 1],
    ['other metadata in our incarnation is refuted', alive('a', 1, { meta: text('x') }), 2],
    ['a former life of ours is outdone', alive('a', 7), 8],
    ['another node of our name is not answered', alive('a', 9, elsewhere), 1],
    ['nor is a leave that we did not make accepted', dead('a', 1, 'a'), 2],
  ] as const)('%s', (_title, message, incarnation) => {
    const lab = new Lab().hear(message)
    expect(lab.membership.self.incarnation).toBe(incarnation)
    expect(lab.state('a')).toBe(`alive ${incarnation}`)
    expect(lab.events().includes(`refuted ${incarnation}`)).toBe(incarnation !== 1)
    expect(lab.membership.counts.awareness).toBe(incarnation === 1 ? 0 : 1)
  })

  test('a refutation goes to the accuser at once, and to others by gossip', () => {
    const lab = new Lab().hear([alive('b'), alive('c')])
    lab.packets()
    lab.hear(suspect('a', 1, 'b'), 'b')
    expect(lab.saidTo('b')[0]).toMatchObject({ type: 'alive', node: 'a', incarnation: 2 })
    lab.pass(400)
    expect(lab.saidTo('c')).toContainEqual(expect.objectContaining({ node: 'a', incarnation: 2 }))
  })

  test('new metadata is told in a new incarnation; too long or leaving it is refused', () => {
    const lab = new Lab().hear(alive('b'))
    expect(lab.membership.setMeta(text('role'), 1)).toEqual({ ok: true, value: undefined })
    lab.pass(300)
    expect(lab.saidTo('b')).toContainEqual(
      expect.objectContaining({ node: 'a', incarnation: 2, meta: text('role') }),
    )
    expect(lab.membership.setMeta(new Uint8Array(513), 400)).toMatchObject({ ok: false })
    lab.membership.leave(500)
    expect(lab.membership.setMeta(text('x'), 500)).toEqual({ ok: false, error: 'leaving' })
  })
})

describe('corrections', () => {
  test('who accuses in an old incarnation is told the newer one', () => {
    const lab = new Lab().hear([alive('b', 4), alive('c')])
    lab.packets()
    lab.hear(suspect('b', 3, 'c'), 'c')
    expect(lab.saidTo('c')[0]).toMatchObject({ type: 'alive', node: 'b', incarnation: 4 })
  })

  test('a member dead to us and alive to others is told so, once a round', () => {
    const lab = new Lab().hear([alive('b'), dead('b', 1, 'c')])
    lab.packets()
    lab.hear([alive('b'), alive('b')], 'c')
    const [packet, second] = lab.packets()
    expect(packet?.to).toEqual(at('b'))
    expect(packet?.messages[0]).toEqual(dead('b', 1, 'a'))
    expect(second).toBeUndefined()
  })

  test('nobody can make us send more than a few a round', () => {
    const lab = new Lab().hear(alive('b', 4))
    lab.packets()
    for (let turn = 0; turn < 100; turn++) lab.hear(suspect('b', 3, 'c'), 'c')
    expect(lab.packets()).toHaveLength(8)
  })
})

describe('a full table', () => {
  test('refuses a newcomer while all live, and gives it the place of one that is gone', () => {
    const lab = new Lab({ membersMax: 3 }).hear([alive('b'), alive('c'), alive('d')])
    expect(lab.events()).toEqual(['joined b', 'joined c', 'refused d'])
    lab.hear([dead('c', 1, 'b'), alive('d')])
    expect(lab.events()).toEqual(['failed c', 'joined d'])
    expect([lab.state('c'), lab.membership.counts.known]).toEqual(['unknown', 3])
  })
})

test('a ping for us is acked to its source, one for another is not, one without source goes back', () => {
  const lab = new Lab()
  const ping = (node: string, sourcePort: number) =>
    ({
      type: 'ping',
      seqNo: 7,
      node,
      sourceAddr: at('s').addr,
      sourcePort,
      sourceNode: 's',
    }) as const
  lab.hear(ping('a', 7946), 'x').hear(ping('b', 7946), 'x').hear(ping('', 0), 'x')
  const answers = lab.packets()
  expect(answers.map(({ to }) => String.fromCharCode(to.addr[3]!))).toEqual(['s', 'x'])
  expect(answers[0]?.messages[0]).toMatchObject({ type: 'ack', seqNo: 7 })
  expect(lab.membership.ackFor(ping('b', 1))).toBeUndefined()
})
