/**
 * `npm test`: sets up and runs every suite at smoke size; `npm test -- PATTERN` runs a part.
 *
 * A suite whose peer is missing names itself; with CI=true that is a failure. The last line counts.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPeers } from './lib/peers.mjs'
import { root, setup } from './lib/setup.mjs'

const HARD_LIMIT_MS = 18 * 60_000

setup()
const missing = installPeers()
if (missing.length > 0)
  process.stdout.write(`Missing peers, their suites are skipped: ${missing.join(' ')}\n`)

const folder = mkdtempSync(join(tmpdir(), 'opengslb-test-'))
const report = join(folder, 'report.json')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const args = [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
// A suite that hangs must end as a failure, well inside what continuous integration waits.
const done = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  timeout: HARD_LIMIT_MS,
  killSignal: 'SIGKILL',
})

let result
try {
  result = JSON.parse(readFileSync(report, 'utf8'))
} catch {
  process.stdout.write('The test runner left no report.\n')
  process.exit(done.status || 1)
}
rmSync(folder, { recursive: true, force: true })
const skipped = result.numPendingTests + (result.numTodoTests ?? 0)
const broken = result.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
)
const failed = result.numFailedTests + broken.length
for (const file of result.testResults)
  for (const one of file.assertionResults)
    if (one.status === 'pending' || one.status === 'skipped')
      process.stdout.write(`skipped: ${file.name.slice(root.length + 1)}: ${one.fullName}\n`)
const skippedInCi = process.env.CI === 'true' && skipped > 0
if (skippedInCi) process.stdout.write('A skipped test is a failure where CI=true.\n')
process.stdout.write(`${result.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`)
process.exit(failed > 0 || skippedInCi ? 1 : (done.status ?? 1))
