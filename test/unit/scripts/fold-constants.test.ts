// Goal: the build writes constants as numbers where they are used, and changes nothing else.
// Method: small texts; a small build in a folder of its own, run before and after.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

interface Folding {
  readonly HOT: readonly string[]
  foldText(text: string, names: ReadonlyMap<string, string>): string
  foldConstants(built: string): void
}
const url = new URL('../../../scripts/lib/fold-constants.mjs', import.meta.url)
const { HOT, foldText, foldConstants } = (await import(url.href)) as Folding

const names = new Map([
  ['ROW', '8'],
  ['NONE', '-1'],
  ['types.A', '1'],
])

describe('a name of a constant', () => {
  for (const [before, after] of [
    ['pool * ROW + 1', 'pool * 8 + 1'],
    ['case types.A:', 'case 1:'],
    ['x === NONE ? ROW : 2', 'x === (-1) ? 8 : 2'],
  ] as const)
    test(`${before} becomes ${after}`, () => expect(foldText(before, names)).toBe(after))

  for (const text of [
    'const ROW = 8;',
    'pools.ROW + my_ROW + ROWS + #ROW',
    '{ ROW: 1 }',
    'types.AAAA + other.types.A',
    '\'ROW\' + "types.A" + `ROW`',
    '// ROW\n/** types.A */',
    "text.match(/ROW'[/]ROW/g)",
    "import { ROW } from './a.js';\nexport { NONE } from './b.js';",
  ])
    test(`stays in ${JSON.stringify(text)}`, () => expect(foldText(text, names)).toBe(text))
})

describe('a build', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fold-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  for (const each of HOT) mkdirSync(join(folder, each), { recursive: true })
  const put = (path: string, text: string) => writeFileSync(join(folder, path), text)
  const get = (path: string) => readFileSync(join(folder, path), 'utf8')
  const user = (body: string) =>
    `import { WIDTH as W, table, words } from '../zone/table.js';\nexport const f = () => ${body};\n`

  test('takes constants and tables from the module they are imported from, and nothing else', () => {
    put(
      'core/zone/table.js',
      [
        'export const WIDTH = 0x1_0;',
        'export const table = {',
        '    /** A comment, with a comma. */',
        '    ONE: 1,',
        "    'TWO-B': 2,",
        '};',
        "export const words = { ONE: 1, TWO: 'two' };",
      ].join('\n'),
    )
    put('core/dns/user.js', user('W + table.ONE + words.ONE + WIDTH'))
    const unfolded = get('core/zone/table.js')
    foldConstants(folder)
    expect(get('core/dns/user.js')).toBe(user('0x1_0 + 1 + words.ONE + WIDTH'))
    expect(get('core/zone/table.js')).toBe(unfolded)
  })

  test('folded twice is the same as folded once', () => {
    const once = get('core/dns/user.js')
    foldConstants(folder)
    expect(get('core/dns/user.js')).toBe(once)
  })
})
