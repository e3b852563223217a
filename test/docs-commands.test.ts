/**
 * What the pages tell a reader to type exists: commands, flags, requests, units, keys, metrics.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiDocument } from '../src/actors/api/table.ts'
import { referenceMarkdown } from '../src/core/config/document.ts'
import { GuideWorld } from './harness/guide-world.ts'
import {
  blocksOf,
  cliFault,
  curlRequest,
  isServed,
  serverFault,
  simpleCommands,
  typedIn,
} from './harness/guides.ts'
import { until } from './harness/program.ts'
import { filesUnder, mask, root } from './harness/source.ts'
import { has } from './harness/tools.ts'

/** The ledger quotes other programs; results are of their day. */
const pages = filesUnder(['README.md', 'docs'], /\.md$/).filter(
  ({ path }) => path !== 'docs/seeds.md' && !path.startsWith('docs/reference/'),
)
const typed = pages.flatMap(typedIn)
const said = ({ path, line, words }: (typeof typed)[number]) =>
  `${path}:${line}: ${words.join(' ')}`

describe('commands', () => {
  test('opengslb-cli takes every command of the pages, word by word', async () => {
    const ours = typed.filter(({ words }) => words[0] === 'opengslb-cli')
    const faults = []
    for (const one of ours) {
      const fault = await cliFault(one.words.slice(1), one.isWhole)
      if (fault !== undefined) faults.push(`${said(one)}: ${fault}`)
    }
    expect(faults).toEqual([])
    expect(ours.length).toBeGreaterThan(60)
  })

  test('opengslb takes every flag of the pages', () => {
    const faults = typed
      .filter(({ words }) => words[0] === 'opengslb')
      .flatMap((one) => {
        const fault = serverFault(one.words.slice(1))
        return fault === undefined ? [] : [`${said(one)}: ${fault}`]
      })
    expect(faults).toEqual([])
  })
})

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
}
const { paths } = apiDocument(version) as { paths: Record<string, object> }

describe('requests', () => {
  test('the API serves every request that curl makes, and bodies are JSON', () => {
    const asked = typed.flatMap((one) => {
      const request = one.words[0] === 'curl' ? curlRequest(one.words) : undefined
      return request === undefined ? [] : [{ ...one, ...request, at: said(one) }]
    })
    expect(
      asked
        .filter((one) => !isServed({ method: one.method, path: one.path }, paths))
        .map(({ at }) => at),
    ).toEqual([])
    for (const { body, at } of asked)
      if (body?.startsWith('{')) expect(() => JSON.parse(body), at).not.toThrow()
    expect(asked.length).toBeGreaterThan(9)
  })

  test('the API serves every request that a sentence names', () => {
    const faults = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/`(GET|POST|PUT|PATCH|DELETE)\s+(\/api\/[^\s`?]+)[^`]*`/g)]
        .filter((match) => !isServed({ method: match[1]!, path: match[2]! }, paths))
        .map((match) => `${path}: ${match[0]}`),
    )
    expect(faults).toEqual([])
  })
})

const sections = 'dns|overwatch|agent|cluster|api|metrics|logging|regions|domains'
/** A key with its section, alone in a code span or with its value behind it. */
const keyInCode = new RegExp(`\`((?:${sections})(?:\\[\\])?\\.[a-z_.[\\]]+)(?:[:=][^\`]*)?\``, 'g')

describe('names', () => {
  const keys = new Set(
    [...referenceMarkdown().matchAll(/^\| `([a-z_.[\]]+)` \|/gm)].flatMap((match) => {
      const key = match[1]!.replaceAll('[]', '')
      return [key, key.replace(/\.[^.]+$/, '')]
    }),
  )

  test('every key of the configuration that a page names in full exists', () => {
    const faults = pages.flatMap(({ path, text }) =>
      [...text.matchAll(keyInCode)]
        .map((match) => match[1]!.replaceAll('[]', '').replace(/\.+$/, ''))
        .filter((key) => !keys.has(key) && !/_$|\.(?:ts|yaml|log)$/.test(key))
        .map((key) => `${path}: ${key}`),
    )
    expect(faults).toEqual([])
  })

  test('every metric that a page names exists', () => {
    const code = filesUnder(['src/actors', 'src/kernel', 'src/bootstrap.ts'], /\.ts$/)
      .map(({ text }) => mask(text, ['comment']))
      .join('\n')
    const faults = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\bopengslb_[a-z0-9_]*[a-z0-9]\b(?!\*|_)/g)]
        .filter(([name]) => !code.includes(name) && !/_\d/.test(name))
        .map(([name]) => `${path}: ${name}`),
    )
    expect(faults).toEqual([])
  })

  test('every alert that a page names is in the rules', () => {
    const rules = filesUnder(['config/prometheus'], /\.yaml$/).map(({ text }) => text)
    const known = new Set(rules.join('\n').match(/(?<=alert: )\w+/g))
    const faults = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/`(OpenGSLB[A-Z]\w+|AllOverwatchesDown|OverwatchDown|DNSSECSyncFailed)`/g)]
        .filter(([, name = '']) => !known.has(name))
        .map(([, name]) => `${path}: ${name}`),
    )
    expect(faults).toEqual([])
    expect(known.size).toBeGreaterThan(20)
  })

  test('every block of JSON parses, as a whole or each line by itself', () => {
    const parses = (text: string) => {
      try {
        return JSON.parse(text) !== undefined
      } catch {
        return false
      }
    }
    const faults = pages
      .flatMap(blocksOf)
      .filter(({ marks, text }) => marks[0] === 'json' && !parses(text))
      .filter(({ text }) => !text.trim().split('\n').every(parses))
    expect(faults.map(({ path, line }) => `${path}:${line}`)).toEqual([])
  })

  test('every unit that systemctl or journalctl is given is in deploy', () => {
    const units = new Set(
      filesUnder(['deploy'], /\.service$/).map(({ path }) => path.replace(/^.*\/|\.service$/g, '')),
    )
    const faults = typed.flatMap((one) => {
      const named = one.words.filter((word) => /^opengslb(?:-[a-z]+)?(?:\.service)?$/.test(word))
      if (!/^(?:systemctl|journalctl)$/.test(one.words[0] ?? '')) return []
      return named
        .filter((unit) => !units.has(unit.replace('.service', '')))
        .map((unit) => `${said(one)}: ${unit}`)
    })
    expect(faults).toEqual([])
  })
})

describe('the checks see', () => {
  const fault = (text: string, isWhole = true) =>
    cliFault(simpleCommands(text)[0]!.slice(1), isWhole)

  test('a flag, a word, an argument or a value that opengslb-cli does not take', async () => {
    expect(await fault('opengslb-cli drain list')).toBeUndefined()
    expect(await fault('opengslb-cli drain list --all')).toContain('--all')
    expect(await fault('opengslb-cli drians list')).toContain('drians')
    expect(await fault('opengslb-cli overrides set www.example.test')).toBeDefined()
    expect(await fault('opengslb-cli overrides set', false)).toBeUndefined()
    expect(await fault('opengslb-cli overrides set --ttl', false)).toContain('--ttl')
    expect(
      await fault('sudo npx opengslb-cli --api http://x status --check | jq .'),
    ).toBeUndefined()
    expect(serverFault(['--confg', 'x'])).toContain('confg')
  })

  test('commands in pipes, lists and substitutions', () => {
    expect(simpleCommands('id=$(a --b | c); for x in 1; do d "$(e f)" > g 2>&1; done # h')).toEqual(
      [['a', '--b'], ['c'], ['for', 'x', 'in', '1'], ['e', 'f'], ['d', '$(e f)'], ['done']],
    )
  })

  test('a request that is not served', () => {
    const asked = (text: string) => isServed(curlRequest(simpleCommands(text)[0]!)!, paths)
    expect(asked('curl -s http://localhost:8080/api/v1/drains')).toBe(true)
    expect(asked('curl -s http://localhost:8080/api/v1/drainz')).toBe(false)
    expect(asked('curl -X DELETE http://localhost:8080/api/v1/ready')).toBe(false)
  })
})

// ---------------------------------------------------------------- typed at a running node

const run = pages.flatMap((page) =>
  blocksOf(page).filter(({ marks }) => marks[0] === 'sh' && marks.includes('run')),
)
const guide = pages
  .flatMap(blocksOf)
  .find(({ marks }) => marks[0] === 'yaml' && marks.includes('guide'))

/** Text as it is compared: what columns are aligned by does not count. */
const plain = (text: string) => text.replace(/\s+/g, ' ')

describe.runIf(has('dig', 'jq', 'curl'))('blocks marked "sh run"', () => {
  const world = new GuideWorld()
  beforeAll(async () => {
    await world.start(guide?.text ?? '')
    const isHealthy = async () => (await world.type('opengslb-cli status --check')).code === 0
    await until('every server of the guide is healthy', isHealthy, 40_000)
  }, 90_000)
  afterAll(() => world.stop())

  test('are of more pages than one', () => {
    expect(new Set(run.map(({ path }) => path)).size).toBeGreaterThan(5)
  })

  for (const { path, line, text } of run)
    test(`${path}:${line} does what the page says`, async () => {
      const { code, output } = await world.type(text.replace(/^#>.*$/gm, ''))
      expect(code, `${text}\n${output}`).toBe(0)
      for (const [, wanted = ''] of text.matchAll(/^#> (.*)$/gm))
        expect(plain(output)).toContain(plain(wanted))
    }, 40_000)

  test('a flag that does not exist ends a block', async () => {
    const { code, output } = await world.type('opengslb-cli drain list --all\necho not reached')
    expect(code).not.toBe(0)
    expect(output).toContain('--all')
    expect(output).not.toContain('not reached')
  })
})
