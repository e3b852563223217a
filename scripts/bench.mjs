/**
 * `npm run bench [-- NAME…] [--smoke] [--json]`: runs the benches, each in a process of its own.
 *
 * A bench ends with a one-line verdict and a non-zero exit code where what it shows does not hold.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { foldConstants } from './lib/fold-constants.mjs'
import { root, runBin, setup } from './lib/setup.mjs'

const sources = ['micro', 'macro'].flatMap((folder) =>
  readdirSync(join(root, 'bench', folder))
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => join(root, 'bench', folder, file)),
)

/** The first sentence that a bench says of itself. */
function purposeOf(file) {
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8')) ?? []
  const [sentence = ''] = comment
    .replace(/\s*\n \*\s?/g, ' ')
    .trim()
    .split(/\.\s/)
  return sentence.replace(/\.?$/, '.')
}

function help() {
  const lines = sources.map(
    (file) => `  ${basename(file, '.bench.ts')}\n      ${purposeOf(file)}\n`,
  )
  process.stdout.write(`npm run bench [-- NAME...] [--smoke] [--json]

Runs every bench whose name contains one of the words; all of them without a word, which takes
hours. Each prints its machine, what it found and a verdict; the exit code is 1 where one fails.

  --smoke           each at its smallest size, to see that it runs: a few minutes for all
  --json            one line of JSON a bench and nothing else
  --scenario=NAME   of a bench that has several, this one (hotpath, dns-thread)
  --write           hotpath: writes docs/performance.md and its chart
  --build           compiles the benches and runs none
  --built           runs them as they were compiled last
  --help            this text

${lines.join('')}`)
}

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  help()
  process.exit(0)
}

// A test that runs many of them compiles once: with --build nothing else, with --built not again.
if (!process.argv.includes('--built')) {
  setup()
  runBin('tsc', ['-p', 'tsconfig.bench.json'])
  // As in the program itself.
  foldConstants(join(root, 'dist-bench', 'src'))
}
if (process.argv.includes('--build')) process.exit(0)
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'))
const names = process.argv.slice(2).filter((word) => !word.startsWith('--'))

const benches = sources.map((file) =>
  join(root, 'dist-bench', relative(root, file).replace(/ts$/, 'js')),
)
const chosen = benches.filter(
  (file) => names.length === 0 || names.some((name) => basename(file).includes(name)),
)
let failures = 0
for (const file of chosen) {
  if (!flags.includes('--json'))
    process.stdout.write(`\n== ${relative(join(root, 'dist-bench'), file)}\n`)
  const done = spawnSync(process.execPath, ['--expose-gc', file, ...flags], {
    cwd: root,
    stdio: 'inherit',
  })
  if (done.status !== 0) failures++
}
if (!flags.includes('--json'))
  process.stdout.write(`\nbench: ${chosen.length - failures} of ${chosen.length} hold\n`)
process.exit(failures === 0 && chosen.length > 0 ? 0 : 1)
