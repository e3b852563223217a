/**
 * An application's own errors: two counters of its metrics page, or lines of its log.
 */
import { open, stat } from 'node:fs/promises'
import { type IncomingMessage, get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { limits } from '../../core/base/limits.ts'
import { counterName, counterSum } from '../../core/health/predict-metrics.ts'
import type { ErrorCounts, ErrorSource } from './contract.ts'

type MetricsSource = Extract<ErrorSource, { kind: 'metrics' }>
type LogSource = Extract<ErrorSource, { kind: 'log' }>

/** The body of a page, cut to a bounded length; undefined for anything but a 200 in time. */
function page(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let end: (text: string | undefined) => void = resolve
    const most = limits.metricsPageBytes.default
    const taken = () => Buffer.concat(chunks).toString('utf8', 0, Math.min(bytes, most))
    const read = (reply: IncomingMessage) => {
      if (reply.statusCode !== 200) return end(undefined)
      reply.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        // A page that was cut has its last line in two: that line is no sample.
        if (bytes >= most) end(taken().slice(0, taken().lastIndexOf('\n') + 1))
      })
      reply.on('end', () => end(taken()))
      reply.on('error', () => end(undefined))
    }
    try {
      const get = url.startsWith('https:') ? getSecure : getPlain
      const asked = get(url, { agent: false, headers: { Accept: 'text/plain' } }, read)
      const timer = setTimeout(() => end(undefined), limits.metricsPageMs.default)
      asked.on('error', () => end(undefined))
      end = (text) => {
        clearTimeout(timer)
        resolve(text)
        asked.destroy()
      }
    } catch {
      // An address that is none is refused by throwing.
      resolve(undefined)
    }
  })
}

async function readPage(source: MetricsSource): Promise<ErrorCounts | undefined> {
  const errors = counterName(source.errors)
  const total = counterName(source.total)
  if (!errors.ok || !total.ok) return undefined
  const text = await page(source.url)
  const all = text === undefined ? undefined : counterSum(text, total.value)
  if (text === undefined || all === undefined) return undefined
  // A labelled counter has no series before its first error.
  return { errors: counterSum(text, errors.value) ?? 0, total: all }
}

interface LogPlace {
  inode: number
  offset: number
  /** The part of a line that was not finished yet. */
  rest: string
  errors: number
  total: number
}

/** Counts the lines a log grew by; from its end on, and anew when it was rotated or cut. */
async function readLog(source: LogSource, place: LogPlace): Promise<boolean> {
  try {
    const found = await stat(source.path)
    if (place.inode === 0) Object.assign(place, { inode: found.ino, offset: found.size })
    if (found.ino !== place.inode || found.size < place.offset)
      Object.assign(place, { inode: found.ino, offset: 0, rest: '' })
    const most = limits.logReadBytes.default
    const wanted = Math.min(most, found.size - place.offset)
    if (wanted === 0) return true
    const buffer = Buffer.alloc(wanted)
    const file = await open(source.path, 'r')
    const { bytesRead } = await file.read(buffer, 0, wanted, place.offset)
    await file.close()
    place.offset += bytesRead
    const lines = (place.rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
    // A line longer than a reading is no line of a log.
    place.rest = (lines.pop() ?? '').slice(-most)
    for (const line of lines) {
      const isError = line.includes(source.errors)
      if (isError || source.total === '' || line.includes(source.total)) place.total++
      if (isError) place.errors++
    }
    // Far behind a log that grows faster than it is read: what was passed over counts for neither.
    if (found.size - place.offset > most) Object.assign(place, { offset: found.size, rest: '' })
    return true
  } catch {
    return false
  }
}

/** One reader a process: a log is read from where the reading before ended. */
export function errorReader(): (source: ErrorSource) => Promise<ErrorCounts | undefined> {
  const places = new Map<string, LogPlace>()
  return async (source) => {
    if (source.kind === 'metrics') return await readPage(source)
    const place = places.get(source.path) ?? { inode: 0, offset: 0, rest: '', errors: 0, total: 0 }
    places.set(source.path, place)
    if (!(await readLog(source, place))) return undefined
    return { errors: place.errors, total: place.total }
  }
}
