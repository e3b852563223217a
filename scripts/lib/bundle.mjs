/**
 * Puts what the program loads into a few files, `dist/run`, so that it starts in half the time.
 *
 * A start loads two thousand modules in a dozen threads, and finding, reading and linking one costs
 * more than running it. Each thread's first module and each actor is an entry of the bundle; what
 * several of them need lies in a file of its own, so that no module is there twice. The files of
 * the entries in `dist` become one line that points there: paths and names stay what they were.
 * Names and lines are kept, that a stack can be read.
 *
 * Left outside: the thread's side of piscina, which is loaded by path, and what is loaded at run
 * time.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { asParts } from './parts.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const dist = join(root, 'dist')

const FIRST = [
  'bootstrap',
  'cli/main',
  'kernel/thread-entry',
  'kernel/pool-entry',
  'actors/registry/ports-compile-entry',
  'actors/registry/ports-geo-entry',
  'actors/cluster/ports-watch-entry',
]

function entriesOf() {
  const actors = readdirSync(join(dist, 'actors')).filter((name) =>
    existsSync(join(dist, 'actors', name, 'actor.js')),
  )
  return [...FIRST, ...actors.flatMap((name) => [`actors/${name}/actor`, `actors/${name}/ports`])]
}

/**
 * A module goes on to find what lies beside it, wherever its text is put; a thread begins with its
 * part of the bundle, and what is loaded by address may be one.
 */
const keepPlace = {
  name: 'keep-place',
  transform(code, id) {
    // The pool finds the first file of its threads beside itself.
    if (id.endsWith('/piscina/dist/index.js')) {
      const found =
        "process.getBuiltinModule('node:module').createRequire(__runUrl).resolve('piscina')"
      return code.replaceAll('__dirname', `(0, node_path_1.dirname)(${found})`)
    }
    if (!id.startsWith(`${dist}/`)) return undefined
    const own = relative(dist, id)
    // The parts of prom-client that every thread loads come along; what it loads itself does not.
    if (own === 'kernel/prom-parts.js')
      code = code.replaceAll(
        /^export const (\w+) = part\('(\w+)'\);$/gm,
        "import $1 from 'prom-client/lib/$2.js';\nexport { $1 };",
      )
    if (own === 'kernel/modules.js')
      return 'export const loadModule = __loadModule\nexport const keepModules = __loadModule.keep'
    if (!code.includes('import.meta.url')) return undefined
    const place = JSON.stringify(`../${own}`)
    return code
      .replaceAll(/new URL\('(\.\/[a-z-]+-entry)\.js', import\.meta\.url\)/g, (_, path) => {
        const entry = join(dirname(own), path).replaceAll('/', '-')
        return `new URL('./first-${entry}.cjs', __runUrl)`
      })
      .replaceAll('import.meta.url', `new URL(${place}, __runUrl).href`)
  },
}

/** The notices of the packages whose code is in the bundle, which their licences ask for. */
function notices(packages) {
  const texts = [...packages].sort().map((name) => {
    const folder = join(root, 'node_modules', name)
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const text = file === undefined ? `${license}\n` : readFileSync(join(folder, file), 'utf8')
    return `${name} ${version}\n\n${text.trimEnd()}\n`
  })
  return `Parts of these packages are in this folder.\n\n${texts.join('\n----\n\n')}`
}

/** The name of the package that a file of node_modules belongs to. */
const packageOf = (id) =>
  /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(id)?.[1]

/** Leaves a few lines where the entry was, and keeps what makes it a command. */
function point(entry, names) {
  const file = join(dist, `${entry}.js`)
  const part = entry.replaceAll('/', '-')
  const first = readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''
  const up = '../'.repeat(entry.split('/').length - 1) || './'
  const lines = [
    ...(first.startsWith('#!') ? [first] : []),
    `import bundle from '${up}run/load.cjs'`,
    `export const { ${names.join(', ')} } = bundle.load('${part}')`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  rmSync(`${file}.map`, { force: true })
  if (entry.endsWith('-entry')) {
    const start = `'use strict'\nmodule.exports = require('./load.cjs').load('${part}')\n`
    writeFileSync(join(dist, 'run', `first-${part}.cjs`), start)
  }
}

const entries = entriesOf()
const { output } = await build({
  configFile: false,
  root: dist,
  logLevel: 'error',
  cacheDir: join(root, 'node_modules', '.cache', 'opengslb-bundle'),
  plugins: [keepPlace],
  ssr: { noExternal: true },
  build: {
    ssr: true,
    target: 'node20',
    write: false,
    minify: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: Object.fromEntries(
        entries.map((entry) => [entry.replaceAll('/', '-'), join(dist, `${entry}.js`)]),
      ),
      output: {
        format: 'es',
        comments: false,
        entryFileNames: '[name].js',
        chunkFileNames: 'shared-[name].js',
      },
    },
  },
})
const packages = new Set(
  output.flatMap(({ moduleIds = [] }) => moduleIds.map(packageOf)).filter(Boolean),
)
rmSync(join(dist, 'run'), { recursive: true, force: true })
mkdirSync(join(dist, 'run'))
for (const [name, code] of asParts(output)) writeFileSync(join(dist, 'run', `${name}.cjs`), code)
writeFileSync(join(dist, 'run', 'NOTICES.txt'), notices(packages))
copyFileSync(join(root, 'scripts', 'lib', 'run-load.cjs'), join(dist, 'run', 'load.cjs'))
for (const entry of entries) {
  const part = output.find(({ fileName }) => fileName === `${entry.replaceAll('/', '-')}.js`)
  point(entry, part.exports)
}
