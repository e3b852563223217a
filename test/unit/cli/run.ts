/** Runs one command line and keeps what it wrote; a small server answers as the API does. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { run } from '../../../src/cli/main.ts'
import type { Io } from '../../../src/cli/shell.ts'
import type { Terminal } from '../../../src/cli/terminal.ts'

export async function cli(
  argv: readonly string[],
  env: Record<string, string> = {},
  more: Partial<Pick<Io, 'terminal' | 'stopped'>> = {},
) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(argv, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    env,
    ...more,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

export interface FakeTerminal extends Terminal {
  /** All that was written, escapes included. */
  readonly written: () => string
  press(key: string): void
  /** Acts once after something was written that makes it so. */
  once(isSo: () => boolean, act: () => void): void
}

/** A terminal that remembers what was written. */
export function fakeTerminal(columns = 100, rows = 30): FakeTerminal {
  let text = ''
  const heard = new Set<(key: string) => void>()
  const awaited = new Set<{ readonly isSo: () => boolean; readonly act: () => void }>()
  return {
    columns,
    rows,
    write: (more) => {
      text += more
      for (const one of awaited) if (one.isSo() && awaited.delete(one)) setImmediate(one.act)
    },
    once: (isSo, act) => void awaited.add({ isSo, act }),
    keys: (listener) => {
      heard.add(listener)
      return () => void heard.delete(listener)
    },
    written: () => text,
    press: (key) => {
      for (const listener of heard) listener(key)
    },
  }
}

export interface Asked {
  /** `METHOD path`. */
  readonly name: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A reply with this status. */
export class Refusal {
  readonly status: number
  constructor(status: number) {
    this.status = status
  }
}

/** Serves replies by `METHOD path`; a function is asked each time, and null is a 204. */
export async function fakeApi(replies: Record<string, unknown>) {
  const seen: Asked[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const name = `${request.method} ${request.url}`
      seen.push({ name, headers: request.headers, body: Buffer.concat(chunks).toString() })
      const found = replies[name]
      const reply = typeof found === 'function' ? (found() as unknown) : found
      const given = reply instanceof Refusal ? reply.status : reply === null ? 204 : 200
      response.writeHead(reply === undefined ? 404 : given)
      response.end(reply === null ? undefined : JSON.stringify(reply ?? { error: 'not found' }))
    })
  })
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    server,
    seen,
    url,
    run: (...argv: string[]) => cli(['--api', url, ...argv]),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
