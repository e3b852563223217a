/**
 * The pages for people are true: links lead somewhere, commands exist, examples load and run,
 * generated pages are what the code prints, and the metrics page names the metrics there are.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiDocument } from '../src/actors/api/table.ts'
import { limitsMarkdown } from '../src/core/base/limits-document.ts'
import { fail, ok } from '../src/core/base/result.ts'
import { jsonSchema, referenceMarkdown, referenceYaml } from '../src/core/config/document.ts'
import type { Files } from '../src/core/config/files.ts'
import { loadConfig } from '../src/core/config/load.ts'
import { formatProblem } from '../src/core/config/problems.ts'
import { cliMarkdown } from '../src/cli/document.ts'
import { usage } from '../src/cli/flags.ts'
import { eventsJsonSchema, eventsMarkdown } from '../src/core/events/document.ts'
import { messagesMarkdown } from '../src/messages/document.ts'
import { guideSecrets } from './harness/guide-world.ts'
import { Program, freePort, until } from './harness/program.ts'
import { filesUnder, mask, root, type SourceFile } from './harness/source.ts'
import { dig, has } from './harness/tools.ts'

const pages = filesUnder(['README.md', 'CHANGELOG.md', 'docs', 'config', 'src', 'test'], /\.md$/)
const read = (path: string) => readFileSync(join(root, path), 'utf8')

// ---------------------------------------------------------------- links

/** The anchor a heading gets: lower case, punctuation gone, spaces as dashes. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')

const anchorsOf = (text: string) =>
  new Set([...prose(text).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1] ?? '')))

function brokenLinks({ path, text }: SourceFile, textOf: (path: string) => string | undefined) {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const [target = '', anchor] = (match[1] ?? '').split('#')
    if (/^(?:https?|mailto):/.test(target)) return []
    const to = target === '' ? path : normalize(join(dirname(path), target))
    const there = textOf(to)
    if (there === undefined) return [`${path}: ${match[1]} leads nowhere`]
    if (anchor === undefined || anchorsOf(there).has(anchor)) return []
    return [`${path}: ${to} has no heading #${anchor}`]
  })
}

describe('links', () => {
  test('every relative link leads to a file, and to a heading where it names one', () => {
    const textOf = (path: string) => {
      if (!existsSync(join(root, path))) return undefined
      return path.endsWith('.md') ? read(path) : ''
    }
    expect(pages.flatMap((page) => brokenLinks(page, textOf))).toEqual([])
  })

  test('a link to a missing page or heading is seen', () => {
    const textOf = (path: string) => (path === 'docs/b.md' ? '# A heading' : undefined)
    const check = (text: string) => brokenLinks({ path: 'docs/a.md', text }, textOf)
    expect(check('[x](b.md) [y](b.md#a-heading) `[z](c.md)` [w](https://a.test)')).toEqual([])
    expect(check('[x](c.md) [y](b.md#other)')).toHaveLength(2)
  })
})

/** Pages that the founding documents link to, as they call them, and what each must speak of. */
const linked: readonly (readonly [string, string, RegExp])[] = [
  ['overwatch deployment', 'docs/guides/overwatch.md', /## Install/],
  ['agent deployment', 'docs/guides/agents.md', /## As a service/],
  ['key rotation', 'docs/operations/key-rotation.md', /## DNSSEC/],
  ['incident playbook', 'docs/operations/incidents.md', /## Always first/],
  ['troubleshooting: leader election', 'docs/operations/troubleshooting.md', /### No leader/],
  ['troubleshooting: gossip', 'docs/operations/troubleshooting.md', /### Overwatches do not agree/],
  ['troubleshooting: split brain', 'docs/operations/troubleshooting.md', /Two that say they lead/],
  ['troubleshooting: joining', 'docs/operations/troubleshooting.md', /### A node does not join/],
  [
    'configuration reference',
    'docs/reference/configuration.md',
    /`agent.latency_learning.enabled`/,
  ],
  ['why latency is learned passively', 'docs/adr/0017-learned-latency.md', /## Decision/],
  ['demo 3', 'docs/guides/containers.md', /demo-3-latency-routing/],
]

test('every page that the founding documents link to is here', () => {
  for (const [what, path, says] of linked) expect(read(path), what).toMatch(says)
})

// ---------------------------------------------------------------- commands

describe('commands', () => {
  test('every npm command named in a page is in package.json', () => {
    const { scripts, bin } = JSON.parse(read('package.json')) as Record<string, object>
    const missing = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)|\bnpx (opengslb[\w-]*)/g)]
        .filter((match) => !((match[1] ?? match[2] ?? match[3] ?? '') in { ...scripts, ...bin }))
        .map((match) => `${path}: ${match[0]}`),
    )
    expect(missing).toEqual([])
  })

  test('the flags of the README are those of the program', () => {
    const section = read('README.md').split('## The two commands')[1]?.split('exit code')[0] ?? ''
    const named = [...section.matchAll(/`--([a-z]+)/g)].map((match) => match[1])
    const real = [...usage.matchAll(/^ {2}--([a-z]+)/gm)].map((match) => match[1])
    expect(named.sort()).toEqual(real.sort())
  })

  test('every command of opengslb-cli named in a page exists', () => {
    const sources = filesUnder(['src/cli'], /\.ts$/)
      .map(({ text }) => text)
      .join('\n')
    const known = new Set(
      [...sources.matchAll(/\.command\(\s*'([a-z-]+)/g)].map((match) => match[1] ?? ''),
    )
    const missing = pages
      .filter(({ path }) => path !== 'docs/seeds.md')
      .flatMap(({ path, text }) =>
        [...text.matchAll(/npx opengslb-cli ([a-z]+)(?: ([a-z]+)\b(?![.\w]))?/g)].flatMap((match) =>
          match
            .slice(1)
            .filter((word) => word !== undefined && !known.has(word))
            .map((word) => `${path}: ${match[0]}: ${word}`),
        ),
      )
    expect(missing).toEqual([])
  })
})

// ---------------------------------------------------------------- examples

interface Block {
  readonly path: string
  readonly marks: readonly string[]
  readonly text: string
}

/** YAML blocks; after `yaml` stands `opengslb` (a whole file), `boot`, or `fragment`. */
const blocks: Block[] = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/^```ya?ml *([^\n]*)\n([\s\S]*?)^```/gm)].map((match) => ({
    path,
    marks: (match[1] ?? '').split(' ').filter((word) => word !== ''),
    text: match[2] ?? '',
  })),
)

/** One file in memory. */
const oneFile = (text: string): Files => ({
  read: (path) =>
    path === '/etc/opengslb/config.yaml'
      ? ok({ bytes: new TextEncoder().encode(text), mode: 0o600, identity: path })
      : fail('missing'),
  list: () => fail('missing'),
  directoryOf: () => '/etc/opengslb',
  join: (directory, path) => `${directory}/${path}`,
})

const loadedAs = (text: string) =>
  loadConfig('/etc/opengslb/config.yaml', { files: oneFile(text), env: guideSecrets })

const faultsOf = (text: string): string[] => {
  const loaded = loadedAs(text)
  return loaded.ok ? loaded.value.warnings.map(formatProblem) : loaded.error.map(formatProblem)
}

/** What a fragment may lack: regions and lists that stand elsewhere in the file. */
const elsewhere = /is not a region of this configuration|must list at least one region/

/** Faults of a part of a file: keys that do not exist, values that are not allowed. */
function fragmentFaults(text: string): string[] {
  if (typeof parse(text) !== 'object') return ['is no part of a configuration']
  const loaded = loadedAs(text)
  const faults = loaded.ok ? [] : loaded.error.filter(({ severity }) => severity === 'error')
  return faults.filter(({ message }) => !elsewhere.test(message)).map(formatProblem)
}

describe('examples', () => {
  test('every YAML block says whether it is a whole file or a fragment', () => {
    const unmarked = blocks.filter(
      ({ marks }) => !marks.includes('opengslb') && !marks.includes('fragment'),
    )
    expect(unmarked.map(({ path, text }) => `${path}: ${text.slice(0, 60)}`)).toEqual([])
    expect(blocks.length).toBeGreaterThan(2)
  })

  for (const [index, { path, marks, text }] of blocks.entries()) {
    test(`block ${index + 1}, of ${path}, ${marks.includes('opengslb') ? 'loads' : 'parses'}`, () => {
      if (marks.includes('opengslb')) expect(faultsOf(text)).toEqual([])
      else expect(fragmentFaults(text)).toEqual([])
    })
  }

  test('an example with a misspelt key is refused', () => {
    expect(faultsOf('dns: { listen_adress: ":53" }').join('\n')).toContain('listen_adress')
    expect(fragmentFaults('dns: { listen_adress: ":53" }').join('\n')).toContain('listen_adress')
    expect(fragmentFaults('dns: { cookies: { require: maybe } }')).toHaveLength(1)
  })

  test.runIf(has('dig'))("the README's file runs and answers", async () => {
    const example = blocks.find(({ marks }) => marks.includes('boot'))?.text ?? ''
    const [dns, api, metrics] = [await freePort(), await freePort(), await freePort()]
    const program = new Program('')
    try {
      program.configure(
        example
          .replace(/127\.0\.0\.1:5300/, `127.0.0.1:${dns}`)
          .replace(/127\.0\.0\.1:8080/, `127.0.0.1:${api}`)
          .replace(/127\.0\.0\.1:9090/, `127.0.0.1:${metrics}`)
          .replace(/data_dir: \S+/, `data_dir: ${program.folder}/data`),
      )
      program.start()
      await program.logged('OpenGSLB running', 25_000)
      const records = await dig(dns, 'example.test', 'MX')
      expect(records.answer).toEqual(['MX 10 mail.example.test.'])
      await until('its servers, which do not exist, are down', async () => {
        return (await dig(dns, 'www.example.test')).status === 'SERVFAIL'
      })
      expect(await program.stop()).toBe(0)
    } finally {
      await program.remove()
    }
  })
})

// ---------------------------------------------------------------- generated pages

const { version } = JSON.parse(read('package.json')) as { version: string }

describe('generated pages are what the code prints (npm run generate)', () => {
  for (const [path, print] of [
    ['docs/reference/configuration.md', referenceMarkdown],
    ['config/reference.yaml', referenceYaml],
    ['docs/reference/config.schema.json', () => `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ['docs/reference/messages.md', messagesMarkdown],
    ['docs/reference/events.md', eventsMarkdown],
    ['docs/reference/events.schema.json', () => `${JSON.stringify(eventsJsonSchema(), null, 2)}\n`],
    ['docs/reference/limits.md', limitsMarkdown],
    ['docs/reference/openapi.json', () => `${JSON.stringify(apiDocument(version), null, 2)}\n`],
    ['docs/reference/cli.md', cliMarkdown],
  ] as const) {
    test(path, () => {
      expect(read(path) === print(), `${path} is out of date`).toBe(true)
    })
  }
})

// ---------------------------------------------------------------- metrics

describe('metrics', () => {
  const namesIn = (text: string) =>
    [...text.matchAll(/\bopengslb_[a-z0-9_]*[a-z0-9]/g)].map((match) => match[0])
  const page = new Set(
    pages
      .filter(({ path }) => path === 'docs/operations/metrics.md')
      .flatMap(({ text }) => namesIn(text)),
  )
  const code = new Set(
    filesUnder(['src/actors', 'src/kernel', 'src/bootstrap.ts'], /\.ts$/).flatMap(({ text }) =>
      namesIn(mask(text, ['comment'])),
    ),
  )

  test('every metric of the page exists', () => {
    expect([...page].filter((name) => !code.has(name)).sort()).toEqual([])
  })

  test('every metric of the program is on the page', () => {
    expect([...code].filter((name) => !page.has(name)).sort()).toEqual([])
    expect(code.size).toBeGreaterThan(10)
  })
})
