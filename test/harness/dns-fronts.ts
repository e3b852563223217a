/**
 * The two fronts of the dns actor, opened by its own ports, and clients that count what comes back.
 */
import { createSocket, type Socket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type {
  Answer,
  DnsConfig,
  Front,
  LentSocket,
  Waiting,
} from '../../src/actors/dns/contract.ts'
import { openPorts } from '../../src/actors/dns/ports.ts'
import { type LentSockets, lendSockets } from '../../src/actors/dns/ports-sockets.ts'
import { projectRoot } from './program.ts'

export type FrontKind = 'native' | 'dgram'

const addonPath = join(projectRoot, 'dist', 'native', 'opengslb.node')
/** The addon is there where the build found a compiler; OPENGSLB_NATIVE=0 tests the fallback. */
export const hasAddon = process.env['OPENGSLB_NATIVE'] !== '0' && existsSync(addonPath)
export const kinds: readonly FrontKind[] = hasAddon ? ['native', 'dgram'] : ['dgram']

const TCP = {
  maxConnections: 64,
  maxConnectionsPerClient: 64,
  idleTimeoutMs: 10_000,
  maxPipelined: 128,
}

/** The reply is the query with the QR bit set (RFC 1035 section 4.1.1). */
export const mirror: Answer = (query, start, length, out, outStart) => {
  for (let at = 0; at < length; at++) out[outStart + at] = query[start + at]!
  out[outStart + 2]! |= 0x80
  return length
}

export interface Opened {
  readonly front: Front
  readonly port: number
  close(): Promise<void>
}

/** Sockets for `threads` threads, or undefined where node:dgram is to serve. */
export function lend(kind: FrontKind, listenAddress: string, threads = 1): LentSockets | undefined {
  if (kind === 'dgram') return undefined
  const lent = lendSockets({ listenAddress, threads, batchSize: 64 })
  if (lent.threads[0]!.length === 0) throw new Error(`no native sockets: ${lent.notes.join()}`)
  return lent
}

/** Opens and serves; throws where the port says it cannot. */
export async function openFront(
  kind: FrontKind,
  listenAddress: string,
  answer: Answer,
  changes: Partial<DnsConfig> = {},
  waiting?: Waiting,
): Promise<Opened> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(kind, listenAddress, answer, changes, waiting)
    } catch (error) {
      // The free port that UDP got may be taken for TCP.
      const mayRetry = listenAddress.endsWith(':0') && attempt < 10
      if (!mayRetry || !(error as Error).message.includes('in use')) throw error
    }
  }
}

async function openOnce(
  kind: FrontKind,
  listenAddress: string,
  answer: Answer,
  changes: Partial<DnsConfig>,
  waiting: Waiting | undefined,
): Promise<Opened> {
  const lent = lend(kind, listenAddress)
  const config: DnsConfig = {
    sockets: lent?.threads[0] ?? [],
    listenAddress,
    udpPayloadSize: 1232,
    nsid: '',
    versionString: '',
    hashSeed: 1,
    turns: new SharedArrayBuffer(64),
    tcp: TCP,
    ...changes,
  }
  const request = {
    ...{
      address: listenAddress,
      tcp: TCP,
      answer,
      readAhead: () => {},
      onFault: () => {},
      onLost: () => {},
    },
    ...(waiting === undefined ? {} : { waiting }),
  }
  const outcome = await openPorts(config).listen(request)
  if (outcome.code !== 'listening') {
    lent?.close()
    throw new Error(outcome.message)
  }
  const { front } = outcome
  front.serve()
  const close = async () => {
    await front.close()
    lent?.close()
  }
  return { front, port: front.port, close }
}

/** A message of at least a header: an id, no flags, and bytes of its own. */
export function message(id: number, size = 12): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 12; at < size; at++) bytes[at] = (at * 31 + id) & 0xff
  bytes[0] = id >> 8
  bytes[1] = id & 0xff
  return bytes
}

export interface Heard {
  readonly bytes: Uint8Array
  readonly address: string
  readonly port: number
}

/** A socket of its own, that keeps what it hears. */
export class Client {
  readonly heard: Heard[] = []
  readonly socket: Socket
  readonly #host: string
  readonly #port: number

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
    this.socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    this.socket.on('message', (bytes, from) => {
      this.heard.push({ bytes: Uint8Array.from(bytes), address: from.address, port: from.port })
    })
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, this.#port, this.#host)
  }

  /** Waits for so many replies, and then a little for one too many. */
  async hear(count: number, limitMs = 5_000): Promise<readonly Heard[]> {
    const endMs = performance.now() + limitMs
    while (this.heard.length < count && performance.now() < endMs) await sleep(2)
    await sleep(20)
    return this.heard
  }

  /** Sends it and waits for its reply. */
  async ask(bytes: Uint8Array): Promise<Heard | undefined> {
    const before = this.heard.length
    this.send(bytes)
    return (await this.hear(before + 1))[before]
  }

  close(): void {
    this.socket.close()
  }
}

export interface FrontThread {
  readonly worker: Worker
  /** With the error that ended it, if one did. */
  readonly gone: Promise<Error | undefined>
}

const threadUrl = new URL('./threads/dns-front.mjs', import.meta.url)
const distUrl = new URL('../../dist/', import.meta.url).href

/** A thread of the built program that mirrors what comes on lent sockets. */
export async function startFrontThread(
  sockets: readonly LentSocket[],
  spinMs = 0,
): Promise<FrontThread> {
  const worker = new Worker(threadUrl, { workerData: { distUrl, sockets, spinMs } })
  let error: Error | undefined
  worker.on('error', (thrown) => {
    error = thrown as Error
  })
  const gone = new Promise<Error | undefined>((resolve) => {
    worker.on('exit', () => resolve(error))
  })
  await Promise.race([new Promise((resolve) => worker.once('message', resolve)), gone])
  return { worker, gone }
}
