/**
 * The ledger of the founding documents (docs/seeds.md) names real tests and known milestones, and
 * leaves out nothing of test/harness/seed-tokens.txt.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './harness/source.ts'

const milestones = [
  'hot path',
  'agents and gossip',
  'API and dashboard',
  'geo and learned latency',
  'DNSSEC',
  'cluster mode',
  'deployment',
]

const ledger = readFileSync(join(root, 'docs/seeds.md'), 'utf8')
const tokens = readFileSync(join(root, 'test/harness/seed-tokens.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

interface Row {
  readonly line: number
  readonly where: string
}

/** The last cell of each row of the ledger's tables. */
function rowsOf(text: string): Row[] {
  return text.split('\n').flatMap((line, index) => {
    if (!line.startsWith('|') || /^\|[-| ]+\|$/.test(line) || line === '| shown | where |')
      return []
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    return [{ line: index + 1, where: (cells.length === 2 ? cells[1] : '')?.trim() ?? '' }]
  })
}

const testsNamed = (where: string) =>
  [...where.matchAll(/`(test\/[\w./-]+)`(?: "([^"]+)")?/g)].map(([, path, title]) => ({
    path: path ?? '',
    title,
  }))

const waitsNamed = (where: string) =>
  [...where.matchAll(/waits for: ([^;,.)]+)/g)].map((match) => match[1]?.trim() ?? '')

function faultsOf(text: string, exists: (path: string) => boolean): string[] {
  return rowsOf(text).flatMap(({ line, where }) => {
    const tests = testsNamed(where)
    const waits = waitsNamed(where)
    return [
      ...(tests.length + waits.length === 0 ? [`${line}: names neither test nor milestone`] : []),
      ...tests.filter(({ path }) => !exists(path)).map(({ path }) => `${line}: no ${path}`),
      ...waits.filter((name) => !milestones.includes(name)).map((name) => `${line}: "${name}"?`),
    ]
  })
}

const inTree = (path: string) => existsSync(join(root, path))

test('every row names a test that exists or a milestone that is known', () => {
  expect(rowsOf(ledger).length).toBeGreaterThan(100)
  expect(faultsOf(ledger, inTree)).toEqual([])
})

test('a title in quotes after a test stands in that test', () => {
  const wrong = rowsOf(ledger).flatMap(({ line, where }) =>
    testsNamed(where)
      .filter(({ path, title }) => title !== undefined && inTree(path) && !titled(path, title))
      .map(({ path, title }) => `${line}: ${path} has no "${title}"`),
  )
  expect(wrong).toEqual([])
})

const titled = (path: string, title: string) =>
  readFileSync(join(root, path), 'utf8').includes(title)

test('everything the documents show is in the ledger', () => {
  expect(tokens.length).toBeGreaterThan(150)
  const missing = tokens.filter((line) => !ledger.includes(line.slice(line.indexOf(' ') + 1)))
  expect(missing).toEqual([])
})

test('a ledger that names nothing, a lost test or an unknown milestone is refused', () => {
  const exists = (path: string) => path === 'test/a.test.ts'
  expect(faultsOf('| x | later |', exists)).toHaveLength(1)
  expect(faultsOf('| x | `test/b.test.ts` |', exists)).toEqual(['1: no test/b.test.ts'])
  expect(faultsOf('| x | waits for: someone |', exists)).toHaveLength(1)
  expect(faultsOf('| x \\| y | `test/a.test.ts`; waits for: DNSSEC |', exists)).toEqual([])
})
