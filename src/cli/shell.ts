/**
 * What every command is given: options, the API, and where to write.
 */
import type { Command } from 'commander'
import { type ApiClient, apiClient } from './client.ts'
import { CommandFailed } from './failure.ts'
import { type Paint, paintFor } from './paint.ts'
import { type Connection, connectionOf, type Globals } from './settings.ts'
import type { Terminal } from './terminal.ts'

export { CommandFailed, wrongUsage } from './failure.ts'

export interface Io {
  out(text: string): void
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  /** The terminal that reads the output; absent for a file, a pipe and in most tests. */
  readonly terminal?: Terminal
  /** Ends waiting and following, as Ctrl-C does. */
  readonly stopped?: AbortSignal
}

export interface Shell {
  readonly io: Io
  readonly json: boolean
  readonly api: ApiClient
  /** Where the API is and how it is spoken to, for what is no plain request. */
  readonly connection: Connection
  readonly paint: Paint
  /** The value of a successful call; throws CommandFailed otherwise. */
  get<T>(method: string, path: string, body?: unknown): Promise<T>
  /** The same for what a node may not offer: undefined where it answers 404. */
  find<T>(method: string, path: string): Promise<T | undefined>
  /** Prints the value as JSON with `--json`, else what `render` makes of it. */
  print<T>(value: T, render: (value: T) => string): void
}

export function shellOf(command: Command, io: Io): Shell {
  const globals = command.optsWithGlobals<Globals>()
  const connection = connectionOf(globals, io)
  const api = apiClient(connection)
  const json = globals.json === true
  const get = async <T>(method: string, path: string, body?: unknown) => {
    const reply = await api.ask(method, path, body)
    if (reply.ok) {
      const note = reply.value.headers['x-opengslb-note']
      if (note !== undefined) io.err(`note: ${String(note)}`)
      return reply.value.value as T
    }
    const { message, hint, status } = reply.error
    const exit = status === undefined ? 'unreachable' : 'refused'
    throw new CommandFailed(message, { exit, hint, status })
  }
  return {
    io,
    json,
    api,
    connection,
    paint: paintFor(io),
    get,
    find: async <T>(method: string, path: string) => {
      try {
        return await get<T>(method, path)
      } catch (error) {
        if (error instanceof CommandFailed && error.status === 404) return undefined
        throw error
      }
    },
    print: (value, render) => io.out(json ? JSON.stringify(value, null, 2) : render(value)),
  }
}
