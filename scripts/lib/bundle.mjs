/**
 * Puts what the program loads into a few files, `dist/run`, so that it starts in half the time.
 *
 * A start loads two thousand modules in a dozen threads, and finding, reading and linking one costs
 * more than running it. Each thread's first module and each actor is an entry of the bundle; what
 * several of them need lies in a file of its own, so that no module is there twice. The files of
 * the entries in `dist` become one line that points there: paths and names stay what they were.
 * Names and lines are kept, that a stack can be read.
 *
 * Left outside: piscina and prom-client, which load files of their own by path.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const dist = join(root, 'dist')

const FIRST = [
  'bootstrap',
  'cli/main',
  'kernel/thread-entry',
  'kernel/pool-entry',
  'actors/registry/ports-compile-entry',
  'actors/registry/ports-geo-entry',
]
const OUTSIDE = ['piscina', 'prom-client']

function entriesOf() {
  const actors = readdirSync(join(dist, 'actors')).filter((name) =>
    existsSync(join(dist, 'actors', name, 'actor.js')),
  )
  return [...FIRST, ...actors.flatMap((name) => [`actors/${name}/actor`, `actors/${name}/ports`])]
}

/** A module goes on to find what lies beside it, wherever its text is put. */
const keepPlace = {
  name: 'keep-place',
  transform(code, id) {
    if (!id.startsWith(`${dist}/`) || !code.includes('import.meta.url')) return undefined
    const place = JSON.stringify(`../${relative(dist, id)}`)
    return code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`)
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

/** Leaves one line where the entry was, and keeps what makes it a command. */
function point(entry) {
  const file = join(dist, `${entry}.js`)
  const first = readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''
  const up = '../'.repeat(entry.split('/').length - 1) || './'
  const line = `export * from '${up}run/${entry.replaceAll('/', '-')}.js'\n`
  writeFileSync(file, first.startsWith('#!') ? `${first}\n${line}` : line)
  rmSync(`${file}.map`, { force: true })
}

const entries = entriesOf()
const { output } = await build({
  configFile: false,
  root: dist,
  logLevel: 'error',
  cacheDir: join(root, 'node_modules', '.cache', 'opengslb-bundle'),
  plugins: [keepPlace],
  ssr: { noExternal: true, external: OUTSIDE },
  build: {
    ssr: true,
    target: 'node20',
    outDir: join(dist, 'run'),
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
writeFileSync(join(dist, 'run', 'NOTICES.txt'), notices(packages))
for (const entry of entries) point(entry)
