// Goal: Prometheus itself takes the rules and the configuration, and the rules fire when they
// should and not when they should not (test/interop/alerts).
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ruleFiles } from '../harness/promql.ts'
import { root } from '../harness/source.ts'
import { has } from '../harness/tools.ts'

const folder = join(root, 'config/prometheus')
const tests = join(root, 'test/interop/alerts')

/** What promtool says; a failure of it is a failure of the test. */
const promtool = async (cwd: string, ...words: readonly string[]) => {
  const { stdout } = await promisify(execFile)('promtool', [...words], { cwd, timeout: 30_000 })
  return stdout
}

describe.runIf(has('promtool'))('promtool', () => {
  test('takes the rules', async () => {
    const files = ruleFiles()
    const said = await promtool(folder, 'check', 'rules', ...files.map(({ name }) => name))
    for (const { rules } of files) expect(said).toContain(`SUCCESS: ${rules.length} rules found`)
  })

  test('takes the configuration', async () => {
    const said = await promtool(folder, 'check', 'config', 'prometheus.yaml')
    expect(said).toContain('prometheus.yaml is valid')
  })

  for (const file of readdirSync(tests))
    test(`runs ${file}`, async () => {
      expect(await promtool(tests, 'test', 'rules', file)).toContain('SUCCESS')
    })
})
