/**
 * `npm test`: sets up and runs every suite at smoke size; `npm test -- PATTERN` runs a part.
 *
 * A suite whose peer is missing names itself; with CI=true that is a failure. The last line counts.
 *
 * A few files that failed while two ran at once are run again, alone: programs under test keep
 * deadlines, and a machine that is busy with other tests breaks them. What passes only alone is
 * named as unsteady; what fails alone too has failed.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPeers } from './lib/peers.mjs'
import { root, setup } from './lib/setup.mjs'

const HARD_LIMIT_MS = 18.5 * 60_000

setup()
const missing = installPeers()
if (missing.length > 0)
  process.stdout.write(`Missing peers, their suites are skipped: ${missing.join(' ')}\n`)

/** More failed files than this are not the machine's doing. */
const MOST_RERUN = 4
/** Started later than this, a second run could pass the hard limit. */
const RERUN_UNTIL_MS = 16.5 * 60_000

/** Files named at the end, those that took longest first. */
const SHOWN_SLOW = 25

const folder = mkdtempSync(join(tmpdir(), 'opengslb-test-'))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const startMs = performance.now()

/** Runs vitest; its report, or undefined where it left none. */
function run(name, args) {
  const report = join(folder, `${name}.json`)
  // A line a file, so that a run that is cut has told what failed until then.
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  // A suite that hangs must end as a failure, well inside what continuous integration waits.
  const done = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], {
    cwd: root,
    stdio: 'inherit',
    timeout: Math.round(HARD_LIMIT_MS - (performance.now() - startMs)),
    killSignal: 'SIGKILL',
  })
  try {
    return { status: done.status ?? 1, ...JSON.parse(readFileSync(report, 'utf8')) }
  } catch {
    return undefined
  }
}

/** The files of a report that failed, by their path from the project's root. */
const failedFiles = ({ testResults }) =>
  testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name }) => name.slice(root.length + 1))

/** The results of `first`, those of the files that ran again in place of theirs. */
function merged(first, again) {
  const names = new Set(again.testResults.map(({ name }) => name))
  const kept = first.testResults.filter(({ name }) => !names.has(name))
  return { status: again.status, testResults: [...kept, ...again.testResults] }
}

let result = run('report', process.argv.slice(2))
const first = result === undefined ? [] : failedFiles(result)
const early = performance.now() - startMs < RERUN_UNTIL_MS
if (first.length > 0 && first.length <= MOST_RERUN && early) {
  process.stdout.write(`Run again, alone: ${first.join(' ')}\n`)
  const again = run('again', ['--no-file-parallelism', ...first])
  if (again !== undefined) {
    const still = failedFiles(again)
    for (const file of first)
      if (!still.includes(file)) process.stdout.write(`unsteady: ${file} passed only alone\n`)
    result = merged(result, again)
  }
}
rmSync(folder, { recursive: true, force: true })
if (result === undefined) {
  process.stdout.write('The test runner left no report.\n')
  process.exit(1)
}

const secondsOf = ({ startTime, endTime }) => Math.round((endTime - startTime) / 1_000)
const slowest = [...result.testResults]
  .sort((a, b) => secondsOf(b) - secondsOf(a))
  .slice(0, SHOWN_SLOW)
for (const file of slowest)
  process.stdout.write(`${secondsOf(file)} s: ${file.name.slice(root.length + 1)}\n`)

const tests = result.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults.map(({ status, fullName }) => ({
    status,
    title: `${name.slice(root.length + 1)}: ${fullName}`,
  })),
)
const count = (...wanted) => tests.filter(({ status }) => wanted.includes(status)).length
// A file that fails before its first test has failed too.
const broken = result.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
)
const failed = count('failed') + broken.length
const unrun = ['pending', 'skipped', 'todo']
const skipped = count(...unrun)
for (const { status, title } of tests)
  if (unrun.includes(status)) process.stdout.write(`skipped: ${title}\n`)
const skippedInCi = process.env.CI === 'true' && skipped > 0
if (skippedInCi) process.stdout.write('A skipped test is a failure where CI=true.\n')
process.stdout.write(`${count('passed')} passed, ${failed} failed, ${skipped} skipped\n`)
process.exit(failed > 0 || skippedInCi ? 1 : result.status)
