/**
 * A foreign server program (unbound, named, haproxy) with a configuration in a folder of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Daemon {
  readonly folder = mkdtempSync(join(tmpdir(), 'opengslb-peer-'))
  output = ''
  #child: ChildProcess | undefined

  /** Writes `files` into the folder and starts the command there. */
  start(command: string, args: readonly string[], files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text)
    const child = spawn(command, [...args], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.on('close', resolve))
      child.kill('SIGKILL')
      await ended
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The head of a configuration of unbound that validates, asks loopback and serves `test.`. */
export const validatorHead = (port: number): string => `
server:
  interface: 127.0.0.1@${port}
  username: ""
  chroot: ""
  directory: "."
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  module-config: "validator iterator"
  local-zone: "test." nodefault
  so-reuseport: no
`
