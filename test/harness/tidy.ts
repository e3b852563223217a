/**
 * The house rules, each a function from a file to the faults in it.
 *
 * tidy.test.ts runs them over the tree, and shows for each one that it can fail.
 */
import { functionLengths } from './functions.ts'
import { codeOf, importsOf, lineOf, mask, type SourceFile } from './source.ts'

export interface Fault {
  readonly path: string
  readonly line: number
  readonly what: string
}

export interface Rule {
  readonly name: string
  /** Which files it reads. */
  readonly applies: (path: string) => boolean
  readonly check: (file: SourceFile) => Fault[]
}

const fault = (file: SourceFile, line: number, what: string): Fault => ({
  path: file.path,
  line,
  what,
})

const isSource = (path: string) => /^src\/.*\.ts$/.test(path)
const isCode = (path: string) => /^(?:src|test|bench|scripts)\/.*\.(?:ts|mjs)$/.test(path)
const isPorts = (path: string) => /^src\/actors\/\w+\/ports[\w-]*\.ts$/.test(path)

/** Every place of a pattern in the text given, as faults. */
function matches(file: SourceFile, text: string, pattern: RegExp, what: (hit: string) => string) {
  return [...text.matchAll(pattern)].map((match) =>
    fault(file, lineOf(text, match.index + match[0].search(/\S/)), what(match[0].trim())),
  )
}

// ---------------------------------------------------------------- imports

const order = ['core', 'messages', 'kernel', 'actors', 'bootstrap'] as const
type Layer = (typeof order)[number] | 'native' | 'cli' | 'dashboard'

/** Layers each layer may import, itself always among them. */
const mayImport: Record<Layer, readonly Layer[]> = {
  core: ['core'],
  messages: ['core', 'messages'],
  kernel: ['core', 'messages', 'kernel'],
  actors: ['core', 'messages', 'kernel', 'actors'],
  native: ['core', 'native'],
  cli: ['core', 'messages', 'cli'],
  // It runs in a browser and knows the program by its API alone.
  dashboard: ['dashboard'],
  bootstrap: ['core', 'messages', 'kernel', 'actors', 'cli', 'native', 'bootstrap'],
}

const layerOf = (path: string): Layer | undefined =>
  path === 'src/bootstrap.ts' || path === 'src/opengslb.ts'
    ? 'bootstrap'
    : (path.match(/^src\/(core|messages|kernel|actors|native|cli|dashboard)\//)?.[1] as
        | Layer
        | undefined)

/** `../b/c.ts` seen from `src/a/x.ts`. */
function resolveFrom(path: string, from: string): string {
  const parts = path.split('/').slice(0, -1)
  for (const part of from.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

export const importLaw: Rule = {
  name: 'imports point one way: core <- messages <- kernel <- actors <- bootstrap',
  applies: isSource,
  check: (file) => {
    const layer = layerOf(file.path)
    if (layer === undefined) return [fault(file, 1, 'lies in no layer of src/')]
    return importsOf(file.text).flatMap(({ line, from }) => {
      if (!from.startsWith('.')) return []
      const target = layerOf(resolveFrom(file.path, from))
      if (target === 'native' && isPorts(file.path)) return []
      if (target !== undefined && mayImport[layer].includes(target)) return []
      return [fault(file, line, `${layer} must not import ${target ?? from}`)]
    })
  },
}

const actorOf = (path: string) => path.match(/^src\/actors\/([\w-]+)\//)?.[1]

export const actorsApart: Rule = {
  name: 'no actor imports another actor',
  applies: (path) => actorOf(path) !== undefined,
  check: (file) =>
    importsOf(file.text).flatMap(({ line, from }) => {
      if (!from.startsWith('.')) return []
      const other = actorOf(resolveFrom(file.path, from))
      return other === undefined || other === actorOf(file.path)
        ? []
        : [fault(file, line, `imports the actor ${other}`)]
    }),
}

/** Packages a layer may name besides its own files. Ports, the cli and bootstrap may name any. */
const packagesOf: Record<string, RegExp> = {
  dashboard: /^(?:preact(?:\/hooks)?|uplot)$/,
  core: /^(?:zod|yaml)$/,
  messages: /^msgpackr\/pack$/,
  kernel: /^(?:pino|prom-client|piscina|node:(?:worker_threads|perf_hooks|module|url|v8))$/,
  actors: /^(?:rxjs|zod$)/,
}

export const outsideWorld: Rule = {
  name: 'node: modules and drivers are imported only by ports, the kernel, the cli and bootstrap',
  applies: (path) => isSource(path) && !isPorts(path),
  check: (file) => {
    const allowed = packagesOf[layerOf(file.path) ?? '']
    if (allowed === undefined) return []
    return importsOf(file.text)
      .filter(({ from, typeOnly }) => !from.startsWith('.') && !typeOnly && !allowed.test(from))
      .map(({ line, from }) => fault(file, line, `must not import ${from}`))
  },
}

export const importForm: Rule = {
  name: 'relative imports name the .ts file',
  applies: (path) => isCode(path) && path.endsWith('.ts'),
  check: (file) =>
    importsOf(file.text)
      .filter(({ from }) => from.startsWith('.') && !/\.(?:ts|js|mjs|json|node)$/.test(from))
      .map(({ line, from }) => fault(file, line, `'${from}' lacks its extension`)),
}

// ---------------------------------------------------------------- calls

const worldly = (path: string) =>
  isPorts(path) ||
  /^src\/(?:kernel|cli|native)\//.test(path) ||
  path === 'src/bootstrap.ts' ||
  path === 'src/dashboard/browser.ts'

const worldlyCalls = new RegExp(
  [
    '\\bDate\\.now\\b',
    '\\bnew Date\\(\\s*\\)',
    '\\bperformance\\.now\\b',
    '\\bMath\\.random\\b',
    '\\bset(?:Timeout|Interval|Immediate)\\b',
    '\\bconsole\\.',
    '\\bprocess\\.',
  ].join('|'),
  'g',
)

export const bannedCalls: Rule = {
  name: 'clock, randomness, timers and console only in ports, kernel, native, cli, bootstrap, browser',
  applies: (path) => isSource(path) && !worldly(path),
  check: (file) => matches(file, codeOf(file.text), worldlyCalls, (hit) => `uses ${hit}`),
}

export const textOnly: Rule = {
  name: 'the dashboard makes elements, never markup out of text',
  applies: (path) => path.startsWith('src/dashboard/') && path.endsWith('.ts'),
  check: (file) =>
    matches(
      file,
      codeOf(file.text).replace(/readonly \w+\?: never/g, ''),
      /\b(?:innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write)\b/g,
      (hit) => `uses ${hit}`,
    ),
}

export const pureCore: Rule = {
  name: 'core has no promises and throws nothing of its own',
  applies: (path) => path.startsWith('src/core/') && path !== 'src/core/base/assert.ts',
  check: (file) =>
    matches(
      file,
      codeOf(file.text),
      /\basync\b|\bawait\b|\bnew Promise\b|\bPromise\.|\bPromise<|\bthrow\b|\bqueueMicrotask\b/g,
      (hit) => `uses ${hit}`,
    ),
}

// ---------------------------------------------------------------- size

export const fileLength: Rule = {
  name: 'a file has at most 400 lines, bootstrap.ts at most 150',
  applies: isCode,
  check: (file) => {
    const lines = file.text.trimEnd().split('\n').length
    const most = file.path === 'src/bootstrap.ts' ? 150 : 400
    return lines > most ? [fault(file, most + 1, `has ${lines} lines, over ${most}`)] : []
  },
}

/** Lines without the text of strings: in a test, a document or a title is as long as it is. */
const withoutStrings = (text: string) =>
  mask(text, ['string'])
    .replace(/(\S) {2,}(?=\S)/g, '$1 ')
    .replace(/ +$/gm, '')

export const lineLength: Rule = {
  name: 'a line has at most 100 columns; in tests and benches strings do not count',
  applies: isCode,
  check: (file) =>
    (/^(?:test|bench)\//.test(file.path) ? withoutStrings(file.text) : file.text)
      .split('\n')
      .flatMap((line, index) =>
        // A long address in a comment cannot be broken.
        line.length > 100 && !/^\s*(?:\/\/|\*).*https?:\/\/\S+$/.test(line)
          ? [fault(file, index + 1, `has ${line.length} columns`)]
          : [],
      ),
}

export const functionLength: Rule = {
  name: 'a function has at most 60 lines of its own',
  applies: (path) => /^(?:src|bench|test\/harness)\/.*\.ts$/.test(path),
  check: (file) =>
    functionLengths(file.text)
      .filter(({ ownLines }) => ownLines > 60)
      .map(({ name, line, ownLines }) => fault(file, line, `${name} has ${ownLines} lines`)),
}

// ---------------------------------------------------------------- words

export const noLooseTypes: Rule = {
  name: 'no any, enum, decorator or default export',
  applies: (path) => isCode(path) && path.endsWith('.ts'),
  check: (file) => {
    const code = codeOf(file.text)
    return [
      ...matches(file, code, /(?:[:<|&,=]|\bas)\s*any\b(?!\s*[:(.])/g, () => 'uses the type any'),
      ...matches(file, code, /^\s*(?:export\s+)?(?:const\s+|declare\s+)?enum\s+\w/gm, () => 'enum'),
      ...matches(file, code, /^\s*@\w+/gm, (hit) => `decorator ${hit}`),
      ...matches(file, code, /^\s*export\s+default\b|\bas default\b/gm, () => 'default export'),
    ]
  },
}

export const plainNames: Rule = {
  name: 'nothing is called Manager, Helper or utils',
  applies: isCode,
  check: (file) => [
    ...matches(
      file,
      codeOf(file.text),
      /\b\w*(?:Manager|Helper)s?\b|\b[uU]til(?:s|ity|ities)?\b/g,
      (hit) => `is named ${hit}`,
    ),
    ...(/(?:manager|helper|utils?)[\w-]*\.(?:ts|mjs)$/i.test(file.path)
      ? [fault(file, 1, 'the file name says nothing')]
      : []),
  ],
}

// The words are spelled in two halves so that this file does not break its own rule.
const unfinished = new RegExp(`\\b(?:TO${'DO'}|FIX${'ME'}|XX${'X'}|HA${'CK'})\\b`, 'g')

export const finished: Rule = {
  name: 'nothing is left for later by a note in the code',
  applies: isCode,
  check: (file) => matches(file, file.text, unfinished, (hit) => `says ${hit}`),
}

export const everyTestRuns: Rule = {
  name: 'no test is skipped for ever or run alone',
  applies: (path) => path.startsWith('test/') && path.endsWith('.ts'),
  check: (file) =>
    matches(
      file,
      codeOf(file.text),
      /\b(?:test|it|describe|suite)\s*\.\s*(?:skip|only|todo)\b|\bx(?:it|describe)\s*\(/g,
      (hit) => `has ${hit}`,
    ),
}

export const opensWithDoc: Rule = {
  name: 'a source file opens with a comment that says what it is',
  applies: isSource,
  check: (file) => {
    const text = file.text.replace(/^#![^\n]*\n/, '')
    if (!/^\s*\/\*\*/.test(text)) return [fault(file, 1, 'does not open with a doc comment')]
    const words = text.slice(0, text.indexOf('*/')).replace(/[*/\s]+/g, ' ')
    return words.trim().length < 15 ? [fault(file, 1, 'its opening comment says nothing')] : []
  },
}

export const noSuppression: Rule = {
  name: 'the compiler and the linter are not silenced without a reason',
  applies: isCode,
  check: (file) =>
    matches(
      file,
      mask(file.text, ['string', 'regex']),
      /@ts-(?:ignore|nocheck|expect-error)\s*$|biome-ignore\s+\S+:\s*$/gm,
      (hit) => `has ${hit}`,
    ),
}

// ---------------------------------------------------------------- places

const elsewhere = new RegExp(
  [
    `(?<![\\w.])/(?:wo${'rk'}|fa${'rm'}|ro${'ot'})/`,
    `https?://[^\\s'"]*regis${'try'}\\.[^\\s'"]*`,
    `\\b(?:verd${'accio'}|artif${'actory'})\\b`,
  ].join('|'),
  'g',
)

export const ownPlacesOnly: Rule = {
  name: 'no path of one machine and no registry host in the text',
  applies: (path) => path !== 'package-lock.json',
  check: (file) => matches(file, file.text, elsewhere, (hit) => `names ${hit}`),
}

const aboutOurselves = new RegExp(
  [
    `\\b(?:iss${'ue'}|tick${'et'}) #?\\d+\\b`,
    `\\b(?:the|an?) (?:integr${'ator'}|other engin${'eer'}|sub${'agent'})\\b`,
    `\\b(?:design|seeds-rulings|opengslb|libraries|measurements)\\.m${'d'}\\b`,
  ].join('|'),
  'gi',
)

export const speaksOfItself: Rule = {
  name: 'the text speaks of the program, not of how the work was organised',
  applies: (path) => path !== 'package-lock.json',
  check: (file) => matches(file, file.text, aboutOurselves, (hit) => `speaks of ${hit}`),
}

export const rules: readonly Rule[] = [
  importLaw,
  actorsApart,
  outsideWorld,
  importForm,
  bannedCalls,
  textOnly,
  pureCore,
  fileLength,
  lineLength,
  functionLength,
  noLooseTypes,
  plainNames,
  finished,
  everyTestRuns,
  opensWithDoc,
  noSuppression,
  ownPlacesOnly,
  speaksOfItself,
]
