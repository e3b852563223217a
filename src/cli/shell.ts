/**
 * What every command is given: options, the API, and where to write.
 */
import type { Command } from 'commander'
import type { ApiClient, ApiReply } from './client.ts'
import { apiClient } from './client.ts'

export interface Io {
  out(text: string): void
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A failure of a command: its message is shown and the exit code is 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

export interface Shell {
  readonly io: Io
  readonly json: boolean
  readonly api: ApiClient
  /** The value of a successful call; throws CommandFailed otherwise. */
  get<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Prints the value as JSON with `--json`, else what `render` makes of it. */
  print<T>(value: T, render: (value: T) => string): void
}

interface Globals {
  readonly api: string
  readonly timeout: string
  readonly json?: boolean
  readonly token?: string
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, '': 1_000 }

/** `10s`, `500ms`, `2m`; a bare number counts seconds. */
function timeoutMs(text: string): number {
  const found = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|)$/.exec(text)
  const value = found === null ? 0 : Number(found[1]) * UNIT_MS[found[2]!]!
  if (value >= 1 && value <= 3_600_000) return value
  throw new CommandFailed(`--timeout: "${text}" is not a time such as 10s or 500ms`)
}

export function shellOf(command: Command, io: Io): Shell {
  const globals = command.optsWithGlobals<Globals>()
  const api = apiClient({
    api: globals.api,
    timeoutMs: timeoutMs(globals.timeout),
    token: globals.token,
    user: io.env['USER'],
  })
  return {
    io,
    json: globals.json === true,
    api,
    get: async <T>(method: string, path: string, body?: unknown) => {
      const reply = await api.call(method, path, body)
      if (!reply.ok) throw new CommandFailed(reply.error)
      return (reply.value as ApiReply).value as T
    },
    print: (value, render) =>
      io.out(globals.json === true ? JSON.stringify(value, null, 2) : render(value)),
  }
}
