// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are tested.
// Goal: no bytes make the loader throw or hang, and no variable changes the shape of a file.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { referenceYaml } from '../../src/core/config/document.ts'
import { editDistance } from '../../src/core/config/nearest.ts'
import { durationMs, formatDuration } from '../../src/core/config/kinds/numbers.ts'
import { formatProblem, loadConfig } from '../../src/core/config/load.ts'
import { load, SMALL } from '../unit/core/config/load-text.ts'
import { memoryFiles } from '../unit/core/config/memory-files.ts'

const FULL = `${SMALL}
overwatch:
  gossip: { encryption_key: "\${KEY:-}" }
  geolocation: { custom_mappings: [{ cidr: 10.0.0.0/8, region: main }] }
agent: &anchor
  backends: [{ service: a, address: 127.0.0.1, port: 80, health_check: { type: tcp } }]
cluster:
  <<: {}
includes: [other.yaml, "x/*.yaml"]
api: { auth: { tokens: [0123456789abcdef] } }
`

function tryLoad(bytes: Uint8Array): void {
  const files = memoryFiles({ 'main.yaml': { text: bytes }, 'other.yaml': SMALL })
  const result = loadConfig('main.yaml', { files, env: {} })
  for (const problem of result.ok ? result.value.warnings : result.error) formatProblem(problem)
}

test('mutated files never make the loader throw', () => {
  const encoder = new TextEncoder()
  const seeds = [FULL, SMALL, referenceYaml()].map((text) => encoder.encode(text))
  const mutation = fc.record({
    at: fc.nat(),
    cut: fc.nat(12),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc
        .constantFrom(
          '- ',
          '? ',
          '[',
          '{',
          ': ',
          '*anchor',
          '&a ',
          '<<: ',
          '!!binary ',
          '${',
          '|',
          '\n',
        )
        .map((text) => encoder.encode(text)),
    ),
  })
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      (which, mutations) => {
        let bytes = seeds[which]!
        for (const { at, cut, insert } of mutations) {
          const from = at % (bytes.length + 1)
          bytes = Uint8Array.from([
            ...bytes.subarray(0, from),
            ...insert,
            ...bytes.subarray(from + cut),
          ])
        }
        tryLoad(bytes)
      },
    ),
    { numRuns: 400 },
  )
})

test('random bytes and random text never make the loader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => tryLoad(bytes)),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
      tryLoad(new TextEncoder().encode(text)),
    ),
    { numRuns: 300 },
  )
})

test('bombs of aliases, nesting and unknown keys end at once', () => {
  let aliases = 'a: &a [x, x, x, x, x, x, x, x, x, x]\n'
  for (let level = 0; level < 9; level++) {
    const before = level === 0 ? 'a' : `b${level - 1}`
    aliases += `b${level}: &b${level} [${Array(10).fill(`*${before}`).join(', ')}]\n`
  }
  const unknown = Array.from({ length: 20_000 }, (_, at) => `unknown_${at}: 1`).join('\n')
  for (const text of [aliases, '- '.repeat(100_000), '['.repeat(500_000), 'a: &a [*a]\n', unknown])
    expect(load(text).errors.length).toBeGreaterThan(0)
})

test('what a variable holds never changes anything but the value it stands in', () => {
  const text = `${SMALL}logging:\n  file: \${FILE}\n  level: warn\n`
  const plain = load(text, { env: { FILE: 'x' } }).loaded!.config
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom('a\nlevel: debug', '"', "'", '{a: b}', '[x]', '# c', '*a', '${FILE}', '$$'),
      ),
      (value) => {
        const { loaded } = load(text, { env: { FILE: value } })
        // A value may be refused (control characters), but then nothing is loaded at all.
        if (loaded === undefined) return
        expect(loaded.config.logging.file).toBe(value)
        expect({ ...loaded.config, logging: plain.logging }).toEqual(plain)
      },
    ),
    { numRuns: 300 },
  )
})

test('a duration is read back as it is written', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 12), (ms) => {
      expect(durationMs(formatDuration(ms))).toBe(ms)
    }),
  )
})

test('the edit distance is symmetric, zero for equals, and at most the longer word', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, a)).toBe(0)
      expect(editDistance(a, b)).toBe(editDistance(b, a))
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})
