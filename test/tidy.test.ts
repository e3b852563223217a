/**
 * The laws of the house, read from the source: see docs/architecture.md.
 *
 * First each rule is shown to fail on a bad snippet and to pass a good one, then all of them run
 * over the tree.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Limit } from '../src/core/base/limit.ts'
import { limits } from '../src/core/base/limits.ts'
import { functionLengths } from './harness/functions.ts'
import { codeOf, filesUnder, root } from './harness/source.ts'
import { type Rule, rules } from './harness/tidy.ts'
import * as tidy from './harness/tidy.ts'

const tree = filesUnder(
  [
    'src',
    'test',
    'bench',
    'scripts',
    'docs',
    'config',
    'deploy',
    '.ci',
    'README.md',
    'CHANGELOG.md',
  ],
  /\.(?:ts|mjs|md|yaml|yml|json|sh|html|css)$|\.ci\/run$/,
)

const doc = '/** What this file is, and the law it keeps. */\n'

/** A rule, a path, a text that breaks it, and one that does not. */
const samples: readonly (readonly [Rule, string, string, string])[] = [
  [
    tidy.importLaw,
    'src/core/dns/x.ts',
    "import { a } from '../../kernel/clock.ts'",
    "import { a } from '../net/address.ts'",
  ],
  [
    tidy.importLaw,
    'src/kernel/x.ts',
    "import { type A } from '../actors/define.ts'",
    "import type { A } from '../messages/entry.ts'",
  ],
  [
    tidy.actorsApart,
    'src/actors/api/x.ts',
    "import { b } from '../dns/actor.ts'",
    "import { b } from '../define.ts'",
  ],
  [
    tidy.outsideWorld,
    'src/core/net/x.ts',
    "import { isIP } from 'node:net'",
    "// import { isIP } from 'node:net'",
  ],
  [
    tidy.outsideWorld,
    'src/actors/api/actor.ts',
    "import { createServer } from 'node:http'",
    "import type { Server } from 'node:http'",
  ],
  [
    tidy.outsideWorld,
    'src/actors/api/actor.ts',
    "const lmdb = await import('lmdb')",
    "import { Subject } from 'rxjs'",
  ],
  [
    tidy.importLaw,
    'src/dashboard/x.ts',
    "import { limits } from '../core/base/limits.ts'",
    "import { h } from './h.ts'",
  ],
  [
    tidy.outsideWorld,
    'src/dashboard/x.ts',
    "import dayjs from 'dayjs'",
    "import { useState } from 'preact/hooks'",
  ],
  [tidy.textOnly, 'src/dashboard/x.ts', 'element.innerHTML = text', "const readsAs = 'innerHTML'"],
  [tidy.importForm, 'src/core/x.ts', "import { a } from './a'", "import { a } from './a.ts'"],
  [tidy.bannedCalls, 'src/core/x.ts', 'const t = Date.now()', "const t = 'Date.now()'"],
  [tidy.bannedCalls, 'src/actors/api/actor.ts', 'setTimeout(f, 1)', 'ctx.clock.after(1, f)'],
  [tidy.bannedCalls, 'src/actors/api/actor.ts', 'new Date()', 'new Date(atMs)'],
  [tidy.pureCore, 'src/core/x.ts', 'throw new Error()', "return fail('bad')"],
  [tidy.pureCore, 'src/core/x.ts', 'async function f() {}', '/* async */ function f() {}'],
  [tidy.fileLength, 'src/core/x.ts', 'a\n'.repeat(401), 'a\n'.repeat(400)],
  [tidy.fileLength, 'src/bootstrap.ts', 'a\n'.repeat(151), 'a\n'.repeat(150)],
  [tidy.lineLength, 'src/core/x.ts', 'a'.repeat(101), 'a'.repeat(100)],
  [tidy.lineLength, 'test/x.test.ts', `${'a'.repeat(101)}`, `test('${'a'.repeat(100)}', f)`],
  [tidy.functionLength, 'src/core/x.ts', longFunction(59), longFunction(58)],
  [tidy.noLooseTypes, 'src/core/x.ts', 'const a: any = 1', 'const a = policy.any(1)'],
  [tidy.noLooseTypes, 'src/core/x.ts', 'const a = b as any', "const a = 'as any'"],
  [tidy.noLooseTypes, 'src/core/x.ts', 'export enum A { B }', 'export const a = {} as const'],
  [tidy.noLooseTypes, 'src/core/x.ts', 'export default 1', 'export const a = 1'],
  [tidy.plainNames, 'src/core/x.ts', 'class PoolManager {}', 'class Pool {}'],
  [tidy.plainNames, 'src/core/x.ts', 'const utils = 1', "import { a } from 'node:util'"],
  [tidy.finished, 'src/core/x.ts', `// TO${'DO'}: later`, '// A todo list is a list.'],
  [tidy.everyTestRuns, 'test/x.test.ts', 'test.only(a)', 'test.skipIf(missing)(a)'],
  [tidy.opensWithDoc, 'src/core/x.ts', 'const a = 1', doc],
  [tidy.opensWithDoc, 'src/core/x.ts', '/** X. */', `#!/usr/bin/env node\n${doc}`],
  [tidy.noSuppression, 'src/core/x.ts', '// @ts-expect-error', '// @ts-expect-error: a string'],
  [tidy.speaksOfItself, 'docs/x.md', `see iss${'ue'} 12`, 'the issuer of 12 certificates'],
  [tidy.ownPlacesOnly, 'docs/x.md', `see /wo${'rk'}/a`, `see network/wo${'rk'}/a`],
]

function longFunction(lines: number): string {
  return `export function f(a: { b: number }): Result<A, { c: 1 }> {\n${'a()\n'.repeat(lines)}}\n`
}

describe('each rule can fail', () => {
  test.each(samples.map((sample, index) => [index, ...sample] as const))(
    'sample %i',
    (_index, rule, path, bad, good) => {
      expect(rule.applies(path), rule.name).toBe(true)
      expect(rule.check({ path, text: bad }), `${rule.name}: bad`).not.toEqual([])
      expect(rule.check({ path, text: good }), `${rule.name}: good`).toEqual([])
    },
  )

  test('every rule has a sample', () => {
    expect(rules.filter((rule) => !samples.some((sample) => sample[0] === rule))).toEqual([])
  })

  test('a named function inside another has its own length', () => {
    const inner = `function g() {\n${'a()\n'.repeat(50)}}\n`
    const found = functionLengths(`const f = (x: number): void => {\n${inner}${inner}b()\n}\n`)
    expect(found.map(({ name, ownLines }) => [name, ownLines])).toEqual(
      expect.arrayContaining([
        ['f', 3],
        ['g', 52],
      ]),
    )
  })

  test('comments, strings, templates and regular expressions are not code', () => {
    const open = '$' + '{'
    const text = `a(\`x ${open}b('}')} y\`, /[/'"]\`/, 'c') // d\n/* e */ f / g / h\n`
    const code = `a(\`   {b(' ')}  \`, /      /, ' ')     \n        f / g / h\n`
    expect(codeOf(text)).toBe(code)
  })

  test('a file named after nothing is seen', () => {
    expect(tidy.plainNames.check({ path: 'src/core/utils.ts', text: '' })).toHaveLength(1)
  })
})

describe('the tree keeps the rules', () => {
  for (const rule of rules) {
    test(rule.name, () => {
      const faults = tree
        .filter(({ path }) => rule.applies(path))
        .flatMap((file) => rule.check(file))
        .map(({ path, line, what }) => `${path}:${line}: ${what}`)
      expect(faults.join('\n')).toBe('')
    })
  }

  test('an actor folder holds README.md, contract.ts, actor.ts, ports.ts and metrics.ts', () => {
    const parts = ['README.md', 'contract.ts', 'actor.ts', 'ports.ts', 'metrics.ts']
    const folders = readdirSync(join(root, 'src/actors'), { withFileTypes: true })
    const missing = folders
      .filter((entry) => entry.isDirectory())
      // A folder of ports alone is a piece of the world that no actor uses yet.
      .filter(({ name }) =>
        readdirSync(join(root, 'src/actors', name)).some((file) => !/^ports.*\.ts$/.test(file)),
      )
      .flatMap(({ name }) => parts.map((part) => `src/actors/${name}/${part}`))
      .filter((path) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })

  test('every limit has a range that holds its default, a unit and a reason', () => {
    const broken = Object.entries(limits as Record<string, Limit>).filter(
      ([, { default: value, min, max, unit, why }]) =>
        !(min <= value && value <= max) || unit.length === 0 || why.length < 10,
    )
    expect(broken.map(([name]) => name)).toEqual([])
  })

  test('no two areas name the same limit', () => {
    const names = filesUnder(['src/core/base/limits'], /\.ts$/).flatMap(({ text }) =>
      [...codeOf(text).matchAll(/^ {2}(\w+): limit\(/gm)].map((match) => match[1] ?? ''),
    )
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect(new Set(names)).toEqual(new Set(Object.keys(limits)))
  })
})
