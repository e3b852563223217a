// Goal: the order of the voices is one table, and a server nobody spoke of is never served.
import { expect, test } from 'vitest'
import { judge, type Voices } from '../../../../src/core/health/precedence.ts'

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
  ['an agent that denies it', { agent: { healthy: false, silent: false } }, 'unhealthy agent out'],
  ['an agent gone silent', { agent: { healthy: true, silent: true } }, 'stale age out'],
]

for (const [title, voices, expected] of table) {
  test(`precedence: ${title} gives ${expected}`, () => {
    const { status, cause, serving } = judge({ ...nobody, ...voices })
    expect(`${status} ${cause} ${serving ? 'serving' : 'out'}`).toBe(expected)
  })
}
