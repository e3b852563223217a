// Goal: every tool that a test of the common run asks for is one that `npm test` installs, or one
// that comes with Debian's base, Node and a compiler. Method: the words in the tests themselves.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const url = new URL('../../../scripts/lib/peers.mjs', import.meta.url)
const { PEERS }: { PEERS: Readonly<Record<string, string>> } = await import(url.href)

const root = join(import.meta.dirname, '..', '..')
/** What a Debian machine with Node and build-essential has, or what comes with a peer. */
const THERE = new Set(
  'bash c++ g++ gcc getent nsenter perl script setpriv taskset unshare'.split(' '),
)
/** A test is there only where these are: it does not count as skipped, or does the rest. */
const OPTIONAL = new Set(['debootstrap', 'kubectl', 'ldns-verify-zone', 'terraform'])
/** In a package of another tool: its own word would install nothing more. */
const BESIDE: Readonly<Record<string, string>> = {
  birdc: 'bird',
  'dnssec-dsfromkey': 'named-compilezone',
  'dnssec-signzone': 'named-compilezone',
  'dnssec-verify': 'named-compilezone',
  tc: 'ip',
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.test.ts') && !file.endsWith('.full.test.ts'),
)

/** The tools by which a file decides whether it runs. */
const askedBy = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
  const lists = text.matchAll(/(?<![.\w])has\(((?:'[^']+'(?:, )?)+)\)/g)
  return [...lists].flatMap(([, list]) =>
    [...list!.matchAll(/'([^']+)'/g)].map(([, tool]) => tool!),
  )
}

const asked = files.flatMap((file) => askedBy(file).map((tool) => [tool, file] as const))

test('each tool that decides whether a test runs is installed', () => {
  expect(asked.length).toBeGreaterThan(50)
  const isHad = (tool: string) =>
    THERE.has(tool) || OPTIONAL.has(tool) || (BESIDE[tool] ?? tool) in PEERS
  const lost = asked.filter(([tool]) => !isHad(tool))
  expect(lost).toEqual([])
})
