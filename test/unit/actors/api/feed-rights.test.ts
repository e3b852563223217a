// Goal: an open feed ends with the right to it: where access changed, and where a token expires.
import { expect, test } from 'vitest'
import { FeedRights } from '../../../../src/actors/api/feed/rights.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { CONFIG, START_MS } from './world.ts'

const DAY_MS = 86_400_000
const token = (name: string, expiresAtMs?: number) => ({
  ...{ name, hash: name.padEnd(64, '0'), role: 'read' as const },
  ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
})

function world(tokens: readonly ReturnType<typeof token>[]) {
  const { ctx, clock, published } = fakeCtx('api', { startUnixMs: START_MS })
  const rights = new FeedRights(ctx, { ...CONFIG, tokens })
  const said = () => published.filter(([id]) => id === 'api.listeners-changed').length
  const configure = (changes: object) => rights.configure({ ...CONFIG, tokens, ...changes })
  return { clock, said, configure }
}

test('a reload that changes who may ask ends feeds, another one does not', () => {
  const { said, configure } = world([token('a'), token('b')])
  configure({ nodeId: 'another' })
  expect(said()).toBe(0)
  configure({ tokens: [token('a')] })
  expect(said()).toBe(1)
  configure({ tokens: [token('a')], allowedNetworks: ['10.9.0.0/16'] })
  expect(said()).toBe(2)
})

test('each token that comes to its end ends feeds, however far off it was', () => {
  const ends = [START_MS + DAY_MS, START_MS + 40 * DAY_MS, START_MS - DAY_MS]
  const { said, clock } = world(ends.map((end, at) => token(`t${at}`, end)))
  expect(said()).toBe(0)
  clock.advance(DAY_MS)
  expect(said()).toBe(1)
  clock.advance(38 * DAY_MS)
  expect(said()).toBe(1)
  clock.advance(DAY_MS)
  expect(said()).toBe(2)
  clock.advance(100 * DAY_MS)
  expect(said()).toBe(2)
})
