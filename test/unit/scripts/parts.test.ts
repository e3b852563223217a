/**
 * Goal: what the build makes of a chunk means what the module meant, or the build fails.
 * Method: small chunks, turned and run as the loader runs them.
 */
import { expect, test } from 'vitest'

interface Chunk {
  readonly fileName: string
  readonly code: string
  readonly imports?: readonly string[]
}
interface Parts {
  asParts(output: readonly Chunk[]): ReadonlyMap<string, string>
}

const url = new URL('../../../scripts/lib/parts.mjs', import.meta.url)
const { asParts } = (await import(url.href)) as Parts

const HEADER = "/*000000000000*/'use strict';".length

/** What a chunk exports, given what it imports. */
function run(code: string, modules: Readonly<Record<string, unknown>> = {}): unknown {
  const text = asParts([{ fileName: 'a.js', code }]).get('a') ?? ''
  const exports = {}
  const body = new Function('exports', 'require', '__runUrl', text)
  body(exports, (name: string) => modules[name], 'file:///run/load.cjs')
  return exports
}

test('imports of every form become constants, exports come last', () => {
  const code = `import { b as c, default as d } from "./b.js"
import * as e from "node:e"
import f from "f"
const all = [c, d, e, f]
export { all as default, all }`
  const b = { b: 1 }
  const all = [1, b, 2, 3]
  expect(run(code, { './b.cjs': b, 'node:e': 2, f: 3 })).toEqual({ default: all, all })
})

test('characters beyond ASCII mean the same in strings, templates and patterns', () => {
  const code = "const all = ['é…', `\u{1f310}`, /[à-ü]/.test('é')]\nexport { all }"
  expect(run(code)).toEqual({ all: ['é…', '\u{1f310}', true] })
  const text = asParts([{ fileName: 'a.js', code }]).get('a')
  expect(Buffer.from(text ?? '', 'latin1').toString('utf8')).toBe(text)
})

test('the address of the module is that of the folder of the bundle', () => {
  expect(run('const at = import.meta.url\nexport { at }')).toEqual({ at: 'file:///run/load.cjs' })
})

test('a text begins with a hash of itself, which another text does not have', () => {
  const tags = ['const a = 1', 'const a = 2'].map((code) =>
    asParts([{ fileName: 'a.js', code }])
      .get('a')
      ?.slice(0, HEADER),
  )
  expect(tags[0]).toMatch(/^\/\*[0-9a-f]{12}\*\/'use strict';$/)
  expect(tags[1]).not.toBe(tags[0])
})

test.each([
  ['let a = 1\nfunction set() { a = 2 }\nexport { a, set }', 'a changes'],
  ['let a = 1\nfunction set() { a++ }\nexport { a, set }', 'a changes'],
  ['let a = 1\nfunction set() { [a] = [2] }\nexport { a, set }', 'a changes'],
  ['export default 1', 'ExportDefaultDeclaration'],
])(
  'an export that changes later, or of a form without a name, fails the build: %j',
  (code, why) => {
    expect(() => run(code)).toThrow(why)
  },
)

test.each([
  'const a = 1\nfunction b(a) { a = 2; return a }\nexport { a, b }',
  'const a = 1\nfunction b() { let a; a = 2; return a }\nexport { a, b }',
  'const a = 1\nconst b = ({ a }) => { a = 2; return a }\nexport { a, b }',
])('a name of the same spelling inside a function is another one: %j', (code) => {
  expect(run(code)).toMatchObject({ a: 1 })
})

test('two chunks that need each other fail the build', () => {
  const chunks = [
    { fileName: 'a.js', code: 'import "./b.js"', imports: ['b.js'] },
    { fileName: 'b.js', code: 'import "./a.js"', imports: ['a.js'] },
  ]
  expect(() => asParts(chunks)).toThrow('chunks in a circle: a.js b.js a.js')
})
