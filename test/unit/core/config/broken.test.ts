// Goal: whatever is wrong with a file, a person can act on what is said about it.
// Method: each file of broken/ names, in comments at its top, the lines it must be answered with.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { formatProblem, loadConfig } from '../../../../src/core/config/load.ts'
import { memoryFiles } from './memory-files.ts'

const directory = fileURLToPath(new URL('./broken/', import.meta.url))
const names = readdirSync(directory).sort()
const env = { GOSSIP_KEY: 'b'.repeat(43) }

test('there are at least twenty broken files', () => {
  expect(names.length).toBeGreaterThanOrEqual(20)
})

for (const name of names) {
  test(`${name} is refused with errors a person can act on`, () => {
    const text = readFileSync(directory + name, 'utf8')
    const expected = [...text.matchAll(/^# expect: (.*)$/gm)].map((match) => match[1]!)
    expect(expected.length).toBeGreaterThan(0)
    const loaded = loadConfig(name, { files: memoryFiles({ [name]: text }), env })
    expect(loaded.ok).toBe(false)
    if (loaded.ok) return
    const lines = loaded.error.filter((one) => one.severity === 'error').map(formatProblem)
    process.stdout.write(`${lines.join('\n')}\n`)
    for (const line of expected) expect(lines.join('\n')).toContain(line)
    // Nothing beside what is expected: consequences of a fault are not faults.
    expect(lines).toHaveLength(expected.length)
  })
}
