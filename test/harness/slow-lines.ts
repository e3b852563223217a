/**
 * A server and client networks at chosen round-trip times: a network namespace each, joined by
 * lines that delay (test/native/delay-link.cc). Needs root, `ip`, a C++ compiler and /dev/net/tun.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './program.ts'
import { has } from './tools.ts'

export const canDelay = (): boolean =>
  process.getuid?.() === 0 && has('ip', 'c++') && existsSync('/dev/net/tun')

/** A namespace, an interface, and its address with the length of its network. */
export type LineEnd = readonly [string, string, string]

const ip = (...words: readonly string[]): boolean =>
  spawnSync('ip', words, { stdio: 'ignore' }).status === 0

export class SlowLines {
  readonly server: string
  readonly #tag = `sl${process.pid % 100_000}`
  readonly #names: string[] = []
  readonly #links: ChildProcess[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'opengslb-lines-'))

  constructor() {
    this.server = this.#add('srv')
    const source = join(projectRoot, 'test', 'native', 'delay-link.cc')
    const words = ['-std=c++17', '-O2', '-o', join(this.#folder, 'delay-link'), source]
    const made = spawnSync('c++', words, { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(made.stderr)
  }

  /** Words that run a command in a namespace. */
  inside(name: string): readonly string[] {
    return ['ip', 'netns', 'exec', name]
  }

  /** The server as clients of line `line` reach it. */
  address(line: number): string {
    return `10.77.${line}.1`
  }

  subnet(line: number): string {
    return `10.77.${line}.0/24`
  }

  /** A client network behind a line of this round-trip time; gives the name of its namespace. */
  async join(line: number, rttMs: number): Promise<string> {
    const name = this.#add(`c${line}`)
    const here = [this.server, `line${line}`, `${this.address(line)}/24`] as const
    await this.line(here, [name, 'line', `10.77.${line}.2/24`], rttMs)
    return name
  }

  /** Another namespace, with addresses on its loopback interface. */
  space(suffix: string, ...addresses: readonly string[]): string {
    const name = this.#add(suffix)
    for (const address of addresses) ip('-n', name, 'addr', 'add', address, 'dev', 'lo')
    return name
  }

  /** A line between two namespaces; an end is a namespace, an interface and its address. */
  async line(one: LineEnd, other: LineEnd, rttMs: number): Promise<void> {
    const words = [...one, ...other, String(rttMs / 2)]
    const link = spawn(join(this.#folder, 'delay-link'), words, {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#links.push(link)
    await new Promise<void>((ready, failed) => {
      link.stdout.once('data', () => ready())
      link.once('exit', (code) => failed(new Error(`delay-link ended with ${code}`)))
    })
  }

  /** Adds a route in a namespace. */
  route(name: string, ...words: readonly string[]): void {
    if (!ip('-n', name, 'route', 'replace', ...words))
      throw new Error(`no route ${words.join(' ')}`)
  }

  /** Another round-trip time for the line that was joined as the `index`th. */
  delay(index: number, rttMs: number): void {
    this.#links[index]?.stdin?.write(`${rttMs / 2}\n`)
  }

  close(): void {
    for (const link of this.#links.splice(0)) link.kill('SIGKILL')
    for (const name of this.#names.splice(0)) ip('netns', 'del', name)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #add(suffix: string): string {
    const name = `${this.#tag}${suffix}`
    if (!ip('netns', 'add', name)) throw new Error(`no namespace ${name}`)
    this.#names.push(name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    return name
  }
}
