// Goal: a member that was removed knows it, whatever became of the answer; one that was not, too.
import { describe, expect, test } from 'vitest'
import type { RaftMember } from '../../../../src/core/cluster/gateway.ts'
import { removed } from '../../../../src/actors/cluster/removal.ts'

const listed = (...ids: readonly string[]) =>
  ids.map((id) => ({ id, name: `node-${id}` }) as RaftMember)

interface Wish {
  readonly answered?: boolean
  readonly members?: readonly RaftMember[]
  readonly missed?: boolean
}

function world({ answered = false, members, missed = false }: Wish) {
  const asked: string[] = []
  const of = {
    remove: async () => answered,
    members: async () => {
      asked.push('own')
      return members
    },
    isMissed: async () => {
      asked.push('others')
      return missed
    },
  }
  return { asked, is: (isSelf: boolean) => removed(of, '3', isSelf) }
}

describe('without an answer', () => {
  test('a node that still lists itself is gone where the others no longer list it', async () => {
    const { is, asked } = world({ members: listed('1', '2', '3'), missed: true })
    expect(await is(true)).toBe(true)
    expect(asked).toEqual(['others'])
  })

  test('it stays where they do, or nobody says', async () => {
    expect(await world({ members: listed('1', '2') }).is(true)).toBe(false)
  })

  test('another one is gone where the own etcd no longer lists it', async () => {
    expect(await world({ members: listed('1', '2'), missed: true }).is(false)).toBe(true)
    expect(await world({ members: listed('1', '3'), missed: true }).is(false)).toBe(false)
    expect(await world({ missed: true }).is(false)).toBe(false)
  })
})

test('with one nobody is asked', async () => {
  const { is, asked } = world({ answered: true })
  expect([await is(true), await is(false), asked]).toEqual([true, true, []])
})
