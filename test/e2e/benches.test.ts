// Goal: benches never rot: each runs at its smoke size, reports figures, and its exit code is its
// verdict. What the figures are is no matter of a test, so two run at once. That of the hot path
// has a suite of its own.
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { projectRoot } from '../harness/program.ts'

const names = ['micro', 'macro'].flatMap((folder) =>
  readdirSync(join(projectRoot, 'bench', folder))
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => file.slice(0, -'.bench.ts'.length))
    .filter((name) => name !== 'hotpath'),
)
const AT_ONCE = 2

interface Report {
  readonly name: string
  readonly holds: boolean
  readonly sentence: string
  readonly figures: Readonly<Record<string, unknown>>
}

const run = (name: string) =>
  new Promise<{ code: number; stdout: string }>((resolve) => {
    const args = ['scripts/bench.mjs', name, '--built', '--smoke', '--json']
    execFile(process.execPath, args, { cwd: projectRoot, timeout: 170_000 }, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout }),
    )
  })

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/bench.mjs', '--build'], { cwd: projectRoot })
}, 180_000)

const turns = Array.from({ length: AT_ONCE }, () => Promise.resolve())

/** Runs a bench when its turn comes; `names` take turns evenly. */
function runInTurn(name: string): ReturnType<typeof run> {
  const lane = names.indexOf(name) % AT_ONCE
  const done = turns[lane]!.then(() => run(name))
  turns[lane] = done.then(() => {})
  return done
}

for (const name of names)
  test.concurrent(`bench ${name} runs to its verdict`, async () => {
    const { code, stdout } = await runInTurn(name)
    const lines = stdout.trim().split('\n')
    const report = JSON.parse(lines.at(-1) ?? '') as Report
    expect(report.sentence.length).toBeGreaterThan(10)
    expect(Object.keys(report.figures).length).toBeGreaterThan(0)
    expect(code).toBe(report.holds ? 0 : 1)
  }, 400_000)
