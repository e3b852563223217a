// Goal: the order of the voices is one table, and a server nobody spoke of is never served.
import { expect, test } from 'vitest'
import { judge, layersOf, type Voices } from '../../../../src/core/health/precedence.ts'

const nobody: Voices = { verdict: 'unknown', restored: false }
const yes = { healthy: true }
const no = { healthy: false }

const table: readonly [string, Partial<Voices>, string][] = [
  ['nobody spoke', {}, 'unknown none out'],
  ['a passing verdict', { verdict: 'up' }, 'healthy validation serving'],
  ['a failing verdict', { verdict: 'down' }, 'unhealthy validation out'],
  ['a verdict from disk', { verdict: 'up', restored: true }, 'healthy restored serving'],
  ['a failing verdict from disk', { verdict: 'down', restored: true }, 'unhealthy restored out'],
  [
    'an override over a failing verdict',
    { override: yes, verdict: 'down' },
    'healthy override serving',
  ],
  ['an override over a passing verdict', { override: no, verdict: 'up' }, 'unhealthy override out'],
  ['an override over a drain', { override: yes, draining: true }, 'healthy override serving'],
  ['a drain over a passing verdict', { draining: true, verdict: 'up' }, 'draining drain out'],
  [
    'a verdict over the claim of an agent',
    { verdict: 'down', agent: { healthy: true, silent: false } },
    'unhealthy validation out',
  ],
  [
    'a passing verdict over the silence of an agent',
    { verdict: 'up', agent: { healthy: true, silent: true } },
    'healthy validation serving',
  ],
  [
    'an agent that claims health',
    { agent: { healthy: true, silent: false } },
    'healthy agent serving',
  ],
  [
    'an agent that denies health by a check that asks for more',
    { verdict: 'up', agent: { healthy: false, silent: false, asksMore: true } },
    'unhealthy agent out',
  ],
  [
    'the same agent once it is silent',
    { verdict: 'up', agent: { healthy: false, silent: true, asksMore: true } },
    'healthy validation serving',
  ],
  [
    'a failing verdict over the claim of a check that asks for more',
    { verdict: 'down', agent: { healthy: true, silent: false, asksMore: true } },
    'unhealthy validation out',
  ],
  ['an agent that denies it', { agent: { healthy: false, silent: false } }, 'unhealthy agent out'],
  [
    'a passing verdict while a silent agent is to be withdrawn',
    { verdict: 'up', agent: { healthy: true, silent: true }, withdrawSilent: true },
    'stale age out',
  ],
  [
    'an agent that denies health since the last passing check',
    { verdict: 'up', doubted: true, agent: { healthy: false, silent: false } },
    'unhealthy agent out',
  ],
  [
    'a passing check after an agent denied health',
    { verdict: 'up', agent: { healthy: false, silent: false } },
    'healthy validation serving',
  ],
  [
    'an agent that is heard, under permissive, over a failing verdict',
    { verdict: 'down', vetoMode: 'permissive', agent: { healthy: true, silent: false } },
    'healthy agent serving',
  ],
  [
    'a failing verdict, under permissive, over an agent gone silent',
    { verdict: 'down', vetoMode: 'permissive', agent: { healthy: true, silent: true } },
    'unhealthy validation out',
  ],
  ['an agent without a verdict yet', { agent: { silent: false } }, 'unknown none out'],
  [
    'the verdict of others where there is none of our own',
    { peers: { up: 2, down: 1 } },
    'healthy restored serving',
  ],
  [
    'our own verdict over that of others without a quorum',
    { verdict: 'down', peers: { up: 2, down: 0 } },
    'unhealthy validation out',
  ],
  [
    'one failing verdict of three where two are needed',
    { verdict: 'down', peers: { up: 2, down: 0 }, quorum: 2 },
    'healthy validation serving',
  ],
  [
    'two failing verdicts of three where two are needed',
    { verdict: 'up', peers: { up: 0, down: 2 }, quorum: 2 },
    'unhealthy validation out',
  ],
  [
    'the failing verdict of the only overwatch left where two are needed',
    { verdict: 'down', peers: { up: 0, down: 0 }, quorum: 2 },
    'unhealthy validation out',
  ],
  ['an agent gone silent', { agent: { healthy: true, silent: true } }, 'stale age out'],
]

for (const [title, voices, expected] of table) {
  test(`precedence: ${title} gives ${expected}`, () => {
    const { status, cause, serving } = judge({ ...nobody, ...voices })
    expect(`${status} ${cause} ${serving ? 'serving' : 'out'}`).toBe(expected)
  })
}

test('precedence: every layer says its part, and the first that says anything decides', () => {
  const voices: Voices = {
    ...nobody,
    verdict: 'up',
    draining: true,
    agent: { ...no, silent: false },
  }
  expect(layersOf(voices).map(({ layer, status }) => `${layer} ${status ?? '-'}`)).toEqual([
    'override -',
    'drain draining',
    'silence -',
    'validation healthy',
    'agent unhealthy',
    'age -',
  ])
})
