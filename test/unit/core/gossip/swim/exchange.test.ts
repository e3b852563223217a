/**
 * Full exchanges: what is told, what is merged and refused, when they begin; and leaving.
 */
import { describe, expect, test } from 'vitest'
import type { NodeState, PushNodeState, PushPull } from '../../../../../src/core/gossip/messages.ts'
import type { PushPullOutput } from '../../../../../src/core/gossip/swim/outputs.ts'
import { alive, at, dead, Lab, suspect, text } from './lab.ts'

const told = (
  name: string,
  state: NodeState,
  incarnation = 1,
  more: Partial<PushNodeState> = {},
): PushNodeState => ({
  name,
  ...at(name),
  meta: new Uint8Array(),
  incarnation,
  state,
  vsn: [1, 5, 2, 0, 0, 0],
  ...more,
})

const exchange = (...nodes: PushNodeState[]): PushPull => ({
  type: 'push-pull',
  join: false,
  nodes,
  userState: new Uint8Array(),
})

const begun = (lab: Lab) =>
  lab.outputs.filter((output): output is PushPullOutput => output.kind === 'push-pull')

describe('merging', () => {
  test.each([
    ['an unknown live one joins', [], told('b', 'alive'), 'alive 1'],
    ['an unknown dead one stays unknown', [], told('b', 'dead'), 'unknown'],
    ['an unknown left one too', [], told('b', 'left'), 'unknown'],
    ['one dead to the other side is suspected', [alive('b')], told('b', 'dead'), 'suspect 1'],
    ['so is a suspected one', [alive('b')], told('b', 'suspect'), 'suspect 1'],
    ['one that left has left', [alive('b')], told('b', 'left'), 'left 1'],
    ['older news is nothing', [alive('b', 3)], told('b', 'dead', 2), 'alive 3'],
    ['newer life is taken', [alive('b'), dead('b', 1, 'c')], told('b', 'alive', 2), 'alive 2'],
    ['old life is not', [alive('b'), dead('b', 1, 'c')], told('b', 'alive', 1), 'dead 1'],
  ] as const)('%s', (_title, before, node, state) => {
    const lab = new Lab().hear(before)
    lab.act((membership) => {
      expect(membership.mergeRemote(exchange(node), 0).ok).toBe(true)
    })
    expect(lab.state('b')).toBe(state)
  })

  test('we refute our own death, and say so to the caller', () => {
    const lab = new Lab()
    lab.act((membership) => {
      const merged = membership.mergeRemote(exchange(told('a', 'dead', 4)), 0)
      expect(merged).toEqual({ ok: true, value: { nodes: 1, refuted: true } })
    })
    expect(lab.state('a')).toBe('alive 5')
  })

  test('a restarted node learns of its former life and goes beyond it', () => {
    const lab = new Lab()
    lab.act((membership) => membership.mergeRemote(exchange(told('a', 'left', 9)), 0))
    expect(lab.state('a')).toBe('alive 10')
  })

  test.each([
    ['speaks too new a protocol', [1, 5, 2, 0, 0, 0], [3, 6, 4, 0, 0, 0], 'a', 'protocol', [3, 5]],
    ['speaks too old a delegate', [1, 5, 2, 0, 0, 0], [1, 5, 2, 2, 5, 5], 'a', 'delegate', [2, 0]],
  ] as const)('nothing is merged when one member %s', (_title, first, second, node, of, range) => {
    const lab = new Lab()
    lab.act((membership) => {
      const remote = exchange(
        told('b', 'alive', 1, { vsn: first }),
        told('c', 'alive', 1, { vsn: second }),
      )
      expect(membership.mergeRemote(remote, 0)).toMatchObject({
        ok: false,
        error: { code: 'incompatible-version', node, of, range },
      })
    })
    expect([lab.state('b'), lab.state('c')]).toEqual(['unknown', 'unknown'])
  })

  test('the versions of the dead do not matter', () => {
    const odd = told('c', 'dead', 1, { vsn: [4, 9, 9, 3, 3, 3] })
    const lab = new Lab()
    lab.act((membership) => expect(membership.mergeRemote(exchange(odd), 0).ok).toBe(true))
  })

  test('more members than may be told are refused', () => {
    const nodes = new Array<PushNodeState>(65_537).fill(told('b', 'dead'))
    const lab = new Lab()
    const merged = lab.membership.mergeRemote({ ...exchange(), nodes }, 0)
    expect(merged).toEqual({ ok: false, error: { code: 'too-many-nodes', nodes: 65_537 } })
  })

  test('what is told holds everybody in his state, and what the application adds', () => {
    const lab = new Lab().hear([alive('b'), alive('c', 2), suspect('c', 2, 'b'), alive('d')])
    lab.hear([dead('d', 1, 'd'), alive('e'), dead('e', 1, 'b')])
    const state = lab.membership.localState(true, text('u'))
    const states = state.nodes.map((node) => `${node.name} ${node.state} ${node.incarnation}`)
    expect(states.sort()).toEqual(['a alive 1', 'b alive 1', 'c suspect 2', 'd left 1', 'e dead 1'])
    expect(state).toMatchObject({ join: true, userState: text('u') })
  })
})

describe('beginning', () => {
  test('joining calls every seed, within the bound of open exchanges', () => {
    const lab = new Lab()
    const seeds = Array.from({ length: 100 }, () => at('s'))
    lab.act((membership) => expect(membership.join(seeds, 0)).toHaveLength(64))
    expect(begun(lab)).toHaveLength(64)
    expect(begun(lab)[0]).toMatchObject({ join: true, why: 'join', timeoutMs: 10_000 })
    const [first] = begun(lab)
    lab.act((membership) => membership.streamOutcome('push-pull', first!.id, 'failed'))
    lab.act((membership) => expect(membership.join(seeds, 0)).toHaveLength(1))
    // An actor that forgets to report does not close the door for ever.
    lab.pass(41_000)
    lab.act((membership) => expect(membership.join(seeds, lab.nowMs)).toHaveLength(64))
  })

  test('now and then with a random live member', () => {
    const lab = new Lab({ settings: { probeIntervalMs: 1e9 } }).hear([
      alive('b'),
      alive('c'),
      alive('d'),
    ])
    lab.hear(dead('d', 1, 'd')).pass(310_000)
    // The first comes after a random part of the interval.
    expect(Math.abs(begun(lab).length - 10.5)).toBeLessThan(1)
    expect(new Set(begun(lab).map(({ to }) => to.addr[3]))).toEqual(new Set([98, 99]))
  })

  test('with a failed member, even when it is long forgotten, until it is given up', () => {
    const lab = new Lab({ settings: { pushPullIntervalMs: 0, reconnectForMs: 600_000 } })
    lab.hear([alive('b'), dead('b', 1, 'c')]).pass(120_000)
    expect(lab.state('b')).toBe('unknown')
    const calls = begun(lab)
    expect(calls.length).toBeGreaterThanOrEqual(23)
    expect(calls.every(({ why, to }) => why === 'reconnect' && to.addr[3] === 98)).toBe(true)
    lab.pass(600_000)
    expect(lab.membership.counts.lost).toBe(0)
  })

  test('not with one that left', () => {
    const lab = new Lab({ settings: { pushPullIntervalMs: 0 } })
    lab.hear([alive('b'), dead('b', 1, 'b')]).pass(60_000)
    expect(begun(lab)).toEqual([])
  })

  test('again soon with a side that held us for dead', () => {
    const lab = new Lab({ settings: { pushPullIntervalMs: 0 } })
    let id = 0
    lab.act((membership) => {
      id = membership.join([at('s')], 0)[0]!
    })
    lab.outputs.length = 0
    lab.act((membership) => membership.mergeRemote(exchange(told('a', 'dead')), 0, id))
    lab.pass(1_100)
    expect(begun(lab)).toMatchObject([{ why: 'reconnect', to: at('s') }])
  })
})

describe('leaving', () => {
  test('is told at once, as our own death, and reported when it was told often enough', () => {
    const lab = new Lab().hear([alive('b'), alive('c')])
    lab.pass(3_000).packets()
    lab.act((membership) => membership.leave(lab.nowMs))
    lab.pass(0)
    expect(lab.packets()[0]?.messages).toContainEqual(dead('a', 1, 'a'))
    expect(lab.events()).not.toContain('leave-told')
    lab.pass(1_000)
    expect(lab.events()).toContain('leave-told')
    expect(lab.state('a')).toBe('left 1')
  })

  test('needs nobody', () => {
    const lab = new Lab().act((membership) => membership.leave(5))
    expect(lab.events()).toEqual(['left a', 'leave-told'])
  })

  test('we still answer, but refute, probe and judge no more', () => {
    const lab = new Lab().hear([alive('b'), suspect('b', 1, 'c')])
    lab.act((membership) => membership.leave(0)).act((membership) => membership.leave(1))
    lab.hear([suspect('a', 9, 'b'), alive('a', 9)])
    expect(lab.state('a')).toBe('left 1')
    lab.pass(3_000).packets()
    lab.pass(30_000)
    expect(lab.packets().flatMap(({ messages }) => messages.map(({ type }) => type))).not.toContain(
      'ping',
    )
    const ping = {
      type: 'ping',
      seqNo: 1,
      node: 'a',
      sourceAddr: new Uint8Array(),
      sourcePort: 0,
    } as const
    lab.hear({ ...ping, sourceNode: '' }, 'b')
    expect(lab.saidTo('b')[0]).toMatchObject({ type: 'ack', seqNo: 1 })
  })
})
