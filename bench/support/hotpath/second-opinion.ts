/**
 * dnsperf beside our own generator, where it is installed: it need not agree in rates, since it is
 * slower than the fastest servers, but it must find that the answers are there.
 */
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installed } from './native.ts'
import { newFolder } from './subject.ts'

const execute = promisify(execFile)

/** A few words about what it saw; undefined where it is not installed. */
export async function dnsperf(
  port: number,
  name: string,
  cpu: number,
  seconds: number,
): Promise<string | undefined> {
  if (!installed('dnsperf')) return undefined
  const folder = newFolder('dnsperf')
  const questions = join(folder, 'questions')
  writeFileSync(questions, `${name} A\n`)
  const words = ['-s', '127.0.0.1', '-p', String(port), '-d', questions, '-l', String(seconds)]
  const { stdout } = await execute('taskset', ['-c', String(cpu), 'dnsperf', ...words, '-c', '8'], {
    timeout: (seconds + 20) * 1000,
  })
  rmSync(folder, { recursive: true })
  const find = (label: string) => new RegExp(`${label}:\\s+(\\S+)`).exec(stdout)?.[1] ?? '?'
  return `${Math.round(Number(find('Queries per second')))} a second, ${find('Queries lost')} lost`
}
