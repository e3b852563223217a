/**
 * `npm run bench [-- NAME…] [--smoke] [--json]`: runs the benches, each in a process of its own.
 *
 * A bench ends with a one-line verdict and a non-zero exit code where what it shows does not hold.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { foldConstants } from './lib/fold-constants.mjs'
import { root, runBin, setup } from './lib/setup.mjs'

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

const benches = ['micro', 'macro'].flatMap((folder) =>
  readdirSync(join(root, 'bench', folder))
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => join(root, 'dist-bench', 'bench', folder, file.replace(/ts$/, 'js'))),
)
const chosen = benches.filter(
  (file) => names.length === 0 || names.some((name) => file.includes(name)),
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
