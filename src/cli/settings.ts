/**
 * Where the API is and how it is spoken to: the options that every command takes, and the
 * environment behind them. An option wins over the environment.
 */
import { readFileSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { baseOf, type ClientOptions } from './client.ts'
import { wrongUsage } from './failure.ts'
import type { Io } from './shell.ts'

export interface Globals {
  readonly api: string
  readonly timeout: string
  readonly json?: boolean
  readonly token?: string
  readonly tokenFile?: string
  readonly cacert?: string
  readonly cert?: string
  readonly key?: string
  readonly insecure?: boolean
}

export type Connection = ClientOptions

/** Gives the program the options of this file. */
export function addGlobals(program: Command, env: Io['env']): Command {
  return program
    .option('--api <url>', 'address of the API (OPENGSLB_API)', env['OPENGSLB_API'] || DEFAULT_API)
    .option('--timeout <time>', 'how long to wait for the API', '10s')
    .option('--token <token>', 'bearer token for the API (OPENGSLB_TOKEN)')
    .option('--token-file <file>', 'file that holds it (OPENGSLB_TOKEN_FILE), readable by you only')
    .option('--cacert <file>', 'trust certificates signed by this one (OPENGSLB_CACERT)')
    .option('--cert <file>', 'certificate to show to the API (OPENGSLB_CERT)')
    .option('--key <file>', 'its private key (OPENGSLB_KEY), readable by you only')
    .option('--insecure', 'do not check the certificate of the API')
    .option('--json', 'print JSON')
}

const DEFAULT_API = 'http://localhost:8080'
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, '': 1_000 }

/** `10s`, `500ms`, `2m`; a bare number counts seconds. Throws CommandFailed. */
export function timeoutMsOf(option: string, text: string): number {
  const found = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|)$/.exec(text)
  const value = found === null ? 0 : Number(found[1]) * UNIT_MS[found[2]!]!
  if (value >= 1 && value <= 3_600_000) return value
  throw wrongUsage(`${option}: "${text}" is not a time such as 10s or 500ms`)
}

/** The connection that options and environment ask for; throws CommandFailed when it cannot be. */
export function connectionOf(globals: Globals, io: Io): Connection {
  const { env } = io
  const base = baseOf(globals.api)
  if (!base.ok) throw wrongUsage(`--api: ${base.error.message}`, base.error.hint)
  const given = <T extends keyof Globals>(name: T, variable: string) =>
    (globals[name] as string | undefined) ?? (env[variable] || undefined)
  const [cacert, cert, key] = [
    given('cacert', 'OPENGSLB_CACERT'),
    given('cert', 'OPENGSLB_CERT'),
    given('key', 'OPENGSLB_KEY'),
  ]
  if ((cert === undefined) !== (key === undefined))
    throw wrongUsage('--cert and --key go together: one is missing')
  const connection = {
    api: globals.api,
    timeoutMs: timeoutMsOf('--timeout', globals.timeout),
    token: tokenOf(globals, env),
    user: env['USER'],
    ca: cacert === undefined ? undefined : fileOf('--cacert', cacert),
    cert: cert === undefined ? undefined : fileOf('--cert', cert),
    key: key === undefined ? undefined : secretOf('--key', key),
    insecure: globals.insecure === true,
  }
  warn(connection, io)
  return connection
}

function tokenOf(globals: Globals, env: Io['env']): string | undefined {
  if (globals.token !== undefined) return sound('--token', globals.token)
  const file = globals.tokenFile ?? (env['OPENGSLB_TOKEN'] ? '' : env['OPENGSLB_TOKEN_FILE'])
  if (!file) {
    const given = env['OPENGSLB_TOKEN']
    return given ? sound('OPENGSLB_TOKEN', given) : undefined
  }
  const [token = ''] = secretOf('--token-file', file).toString().trim().split(/\s/)
  if (!TOKEN.test(token)) throw wrongUsage(`--token-file: no token in ${file}`)
  return token
}

/** What is no header value would fail later, with the token in the message. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/

function sound(from: string, token: string): string {
  if (TOKEN.test(token)) return token
  throw wrongUsage(`${from}: holds a character that no token has, such as a space or a line end`)
}

function fileOf(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw wrongUsage(`${option}: ${path} cannot be read (${code ?? 'unknown error'})`)
  }
}

/** A file that only its owner may read or write, as `ssh` wants it of a key. */
function secretOf(option: string, path: string): Buffer {
  const bytes = fileOf(option, path)
  const mode = statSync(path).mode & 0o777
  if (process.platform === 'win32' || (mode & 0o077) === 0) return bytes
  const shown = mode.toString(8).padStart(4, '0')
  throw wrongUsage(`${option}: others can read ${path} (mode ${shown})`, `run: chmod 600 ${path}`)
}

/** What is done all the same, and should not be. */
function warn({ api, token, insecure }: Connection, io: Io): void {
  if (insecure)
    io.err('Warning: --insecure: whoever is between you and the API can read and change all of it')
  if (token !== undefined && /^http:/.test(api) && !isLoopback(new URL(api).hostname))
    io.err(`Warning: the token goes to ${api} without encryption; an https:// address keeps it`)
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.[0-9.]+$/.test(host)
