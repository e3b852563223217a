// Goal: what the guide of the first ten minutes tells a newcomer to write and to type works as it
// stands, with the answers that it shows.
// Method: the files and blocks of the page from "A zone of your own" on, in a folder of their own,
// with other ports and addresses; the real program, dig, openssl and delv.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Block, blocksOf } from '../harness/guides.ts'
import { freePort, projectRoot, until } from '../harness/program.ts'
import { filesUnder } from '../harness/source.ts'
import { has } from '../harness/tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'opengslb-ten-'))
const running: ChildProcess[] = []
const ports = new Map<string, string>()

const page = filesUnder(['docs/guides/first-ten-minutes.md'], /\.md$/)[0]!
const blocks = blocksOf(page)

const exchanged = (text: string) =>
  [...ports].reduce((all, [from, to]) => all.replaceAll(from, to), text)

const plain = (text: string) => text.replace(/\s+/g, ' ')

function shell(text: string): ChildProcess {
  const path = `${join(folder, 'bin')}:${process.env['PATH']}`
  const api = `http://127.0.0.1:${ports.get('8080')}`
  return spawn('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: folder,
    env: { ...process.env, PATH: path, OPENGSLB_API: api },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function typed(text: string): Promise<{ code: number | null; output: string }> {
  const child = shell(text)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

/** Each command with what the page says it prints. */
function stepsOf(text: string): { command: string; wanted: string[] }[] {
  const steps: { command: string; wanted: string[] }[] = []
  for (const line of text.split('\n').filter((one) => one !== ''))
    if (line.startsWith('#> ')) steps.at(-1)?.wanted.push(line.slice(3))
    else steps.push({ command: line, wanted: [] })
  return steps
}

/** Does a block; a command whose output is not there yet is typed again, as a reader would. */
async function does(block: Block): Promise<void> {
  if (block.marks.includes('background')) {
    running.push(shell(exchanged(block.text)))
    return
  }
  if (!block.text.includes('#>')) {
    const { code, output } = await typed(exchanged(block.text))
    expect(code, output).toBe(0)
    return
  }
  for (const { command, wanted } of stepsOf(block.text)) {
    let last = ''
    const isSo = async () => {
      const { code, output } = await typed(exchanged(command))
      last = output
      return code === 0 && wanted.every((one) => plain(output).includes(one))
    }
    await until(`${command} prints ${wanted}\n${last}`, isSo, 40_000)
  }
}

describe.runIf(has('dig', 'openssl', 'delv'))('the first ten minutes', () => {
  beforeAll(async () => {
    for (const port of ['5300', '7946', '8080', '8081']) ports.set(port, String(await freePort()))
    mkdirSync(join(folder, 'bin'))
    const npx = `#!/bin/bash\nshift\nexec "${process.execPath}" "${projectRoot}/dist/cli/main.js" "$@"\n`
    writeFileSync(join(folder, 'bin', 'npx'), npx)
    chmodSync(join(folder, 'bin', 'npx'), 0o755)
    symlinkSync(join(projectRoot, 'dist'), join(folder, 'dist'))
    for (const { marks, text } of blocks)
      if (marks[2]?.endsWith('.yaml'))
        writeFileSync(join(folder, marks[2]), exchanged(text), { mode: 0o600 })
  })

  afterAll(async () => {
    const ends = running.map((child) => new Promise((resolve) => child.on('close', resolve)))
    for (const child of running) child.kill('SIGTERM')
    await Promise.all(ends)
    rmSync(folder, { recursive: true, force: true })
  })

  const own = blocks.filter(({ marks }) => marks[1] === 'ten')
  test('has steps to take', () => expect(own.length).toBeGreaterThan(5))
  for (const block of own)
    test(`the block of line ${block.line} does what it says`, () => does(block), 120_000)
})
