/**
 * The log that operators read: one line an event, JSON or text, on standard output or in a file.
 *
 * Every line carries time, level, component and msg. Writes are synchronous, so that the last words
 * of a dying thread are not lost, and need no thread of their own. Fields whose names say that they
 * hold a secret are never written. A file is opened anew whenever the level is set, which every
 * SIGHUP does: whoever rotates it moves it away and sends that signal.
 */
import { type DestinationStream, destination, pino } from 'pino'
import { apiLimits } from '../core/base/limits/api.ts'
import type { Log, LogFields } from './log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'json' | 'text'
  /** Path of a file to append to; standard output when absent or empty. */
  readonly file?: string
  /** Name of the component that speaks. */
  readonly name: string
  /** Takes the finished lines instead of a file; for tests. */
  readonly write?: (line: string) => void
}

export interface LeveledLog extends Log {
  /** Also opens a log file again by its path. */
  setLevel(level: LogLevel): void
}

/** Opens the log. Throws if the file cannot be opened: a first start must fail loud. */
export function pinoLog(options: LogOptions): LeveledLog {
  const { write: sink, reopen } = options.write ? { write: options.write } : openSink(options.file)
  const stream: DestinationStream = {
    write: options.format === 'text' ? (line) => sink(textLine(line)) : sink,
  }
  const logger = pino(
    {
      level: options.level,
      base: { component: options.name },
      messageKey: 'msg',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label.toUpperCase() }),
        log: (fields) => cleanFields(fields),
      },
    },
    stream,
  )
  const write =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) logger[level](message)
      else logger[level](fields, message)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: (level) => {
      logger.level = level
      reopen?.()
    },
  }
}

interface Sink {
  readonly write: (line: string) => void
  readonly reopen?: () => void
}

function openSink(file: string | undefined): Sink {
  const toFile = file !== undefined && file !== ''
  // sync: measured in a worker that is terminated, an asynchronous transport loses every line.
  const sink = destination({ dest: toFile ? file : 1, sync: true, append: true })
  // A closed pipe or a full disk must not take the service with it.
  sink.on('error', () => {})
  const write = (line: string) => void sink.write(line)
  return toFile ? { write, reopen: () => sink.reopen(file) } : { write }
}

/** Fields that pino itself writes; a field of the same name would make two of them. */
const RESERVED = new Set(['time', 'level', 'msg', 'component'])
const SECRET = new RegExp(
  `(${[
    'token',
    'secret',
    'password',
    'passphrase',
    'authorization',
    'cookie',
    'credential',
    '(private|encryption|gossip)_?key',
  ].join('|')})s?$`,
  'i',
)
const DEPTH_MAX = 4

function cleanFields(fields: Record<string, unknown>): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    const key = RESERVED.has(name) ? `${name}_` : name
    clean[key] = SECRET.test(name) ? '[redacted]' : cleanValue(value, DEPTH_MAX)
  }
  return clean
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return cut(value.message)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth - 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      SECRET.test(name) ? '[redacted]' : cleanValue(inner, depth - 1),
    ]),
  )
}

const cut = (text: string): string => {
  const most = apiLimits.logTextChars.default
  return text.length <= most ? text : `${text.slice(0, most)}…`
}

/** `time=… level=INFO component=dns msg="…" key=value`, quoted wherever a reader could stumble. */
function textLine(json: string): string {
  const { time, level, component, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const pairs = Object.entries({ time, level, component, msg, ...rest })
  return `${pairs.map(([key, value]) => `${bare(key)}=${bare(textOf(value))}`).join(' ')}\n`
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

/** Anything but plain characters is quoted, so that a value cannot forge a second line or field. */
const bare = (text: string): string =>
  /^[\w.:/@%+,[\]~-]+$/.test(text) ? text : JSON.stringify(text)
