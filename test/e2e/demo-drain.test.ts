/**
 * The demo of drains runs, small: backends are killed under load once they are called safe to
 * stop, and no request fails.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../harness/source.ts'

const execute = promisify(execFile)
// A folder of its own, since the benches may be compiled at the same time.
const output = join(root, 'dist-bench', 'demo-smoke')
const demo = join(output, 'bench', 'demo', 'drain', 'main.js')

interface Report {
  readonly holds: boolean
  readonly sentence: string
}

describe.skipIf(process.platform !== 'linux')('the demo of drains', () => {
  beforeAll(() => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const words = [tsc, '-p', 'tsconfig.bench.json', '--outDir', output]
    const done = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })
    expect(done.error).toBeUndefined()
    expect(existsSync(demo)).toBe(true)
    expect(existsSync(join(root, 'dist', 'opengslb.js'))).toBe(true)
  }, 60_000)

  test('loses requests without a drain, and none with one', { timeout: 150_000 }, async () => {
    const words = [demo, '--smoke', '--json', '--scenario=reactive,file']
    const { stdout } = await execute(process.execPath, words, { cwd: root, timeout: 140_000 })
    const report = JSON.parse(stdout) as Report
    expect(report.sentence).toMatch(/^0 of \d+ requests failed and 0 false "safe to stop" in 1 /)
    expect(report.sentence).toMatch(/without notice [1-9]\d* were lost/)
    expect(report.holds).toBe(true)
  })
})
