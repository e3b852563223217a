/**
 * Real peers from Debian packages: found, or named as missing.
 *
 * A suite that needs one runs `test.runIf(has('dig'))`; where CI=true the runner turns a skipped
 * test into a failure.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const known = new Map<string, boolean>()

/** Whether the tool is on the path (sbin included). */
export function has(...tools: readonly string[]): boolean {
  return tools.every((tool) => {
    const cached = known.get(tool)
    if (cached !== undefined) return cached
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status === 0
    known.set(tool, found)
    return found
  })
}

const execute = promisify(execFile)

/** Standard output of a command; a failed command gives its output all the same. */
export async function output(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await execute(command, [...args], { timeout: 20_000 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    return `${stdout ?? ''}${stderr ?? ''}`
  }
}

export interface DigAnswer {
  readonly status: string
  readonly flags: readonly string[]
  /** `type rdata` of each record of the answer section. */
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly text: string
}

const section = (text: string, name: string): string[] => {
  const match = new RegExp(`;; ${name} SECTION:\\n([\\s\\S]*?)\\n(?:\\n|;;)`).exec(`${text}\n\n`)
  if (match === null) return []
  return match[1]!.split('\n').map((line) => line.split(/\s+/).slice(3).join(' '))
}

/** Asks with the real `dig`; `words` are its arguments after server and port. */
export async function dig(port: number, ...words: readonly string[]): Promise<DigAnswer> {
  const server = words.some((word) => word.startsWith('@')) ? [] : ['@127.0.0.1']
  const text = await output('dig', [...server, '-p', String(port), '+tries=1', '+time=2', ...words])
  return {
    text,
    status: /status: ([A-Z]+)/.exec(text)?.[1] ?? 'no-answer',
    flags: /flags: ([a-z ]*);/.exec(text)?.[1]?.split(' ') ?? [],
    answer: section(text, 'ANSWER'),
    authority: section(text, 'AUTHORITY'),
  }
}

/**
 * Asks one question after the other in one process, each of them words as `dig` takes them; gives
 * the records of each answer, `type rdata`.
 */
export async function digEach(
  port: number,
  questions: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-dig-'))
  const file = join(folder, 'questions')
  writeFileSync(file, `${questions.join('\n')}\n`)
  const words = ['+tries=3', '+time=2', '+noall', '+question', '+answer', '-f', file]
  const text = await output('dig', ['@127.0.0.1', '-p', String(port), ...words])
  rmSync(folder, { recursive: true, force: true })
  const parts = text.split(/^;(?!;).*$/m).slice(1)
  if (parts.length !== questions.length) throw new Error(`not all were answered: ${text}`)
  const records = (part: string) => part.split('\n').filter((line) => /^[^;\s]/.test(line))
  return parts.map((part) => records(part).map((line) => line.split(/\s+/).slice(3).join(' ')))
}
