/** A reader of the feed for tests: what it heard, and how it ended. */
import { get } from 'node:http'
import { unpack } from 'msgpackr'
import { WebSocket } from 'ws'

export type Heard = Readonly<Record<string, unknown>>

export interface Client {
  readonly heard: Heard[]
  readonly protocol: () => string
  readonly closed: Promise<{ code: number; reason: string }>
  send(value: unknown): void
  sendRaw(bytes: string | Uint8Array): void
  pause(): void
  resume(): void
  end(): void
}

export interface Refused {
  readonly status: number
  readonly body: string
}

const BASE = '/api/v1/events'

/** Opens a WebSocket; resolves once it stands, rejects with `Refused` when it is turned away. */
export function connectWs(
  port: number,
  query = '',
  options: {
    protocols?: string[]
    headers?: Record<string, string>
    path?: string
    secure?: boolean
  } = {},
): Promise<Client> {
  const url = `${options.secure === true ? 'wss' : 'ws'}://127.0.0.1:${port}${options.path ?? BASE}${query}`
  const socket = new WebSocket(url, options.protocols ?? [], {
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    perMessageDeflate: false,
    rejectUnauthorized: false,
  })
  const heard: Heard[] = []
  socket.on('message', (data: Buffer, isBinary: boolean) =>
    heard.push((isBinary ? unpack(data) : JSON.parse(data.toString())) as Heard),
  )
  const closed = new Promise<{ code: number; reason: string }>((settle) => {
    socket.on('close', (code, reason) => settle({ code, reason: reason.toString() }))
  })
  return new Promise((settle, reject) => {
    socket.on('unexpected-response', (_, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => {
        const refused: Refused = { status: response.statusCode ?? 0, body }
        reject(refused)
      })
    })
    socket.on('error', (error) => reject(error))
    socket.on('open', () =>
      settle({
        heard,
        closed,
        protocol: () => socket.protocol,
        send: (value) => socket.send(JSON.stringify(value)),
        sendRaw: (bytes) => socket.send(bytes),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        end: () => socket.terminate(),
      }),
    )
  })
}

export interface StreamClient {
  readonly heard: Heard[]
  readonly ids: string[]
  readonly status: number
  readonly type: string
  readonly raw: () => string
  readonly closed: Promise<void>
  pause(): void
  resume(): void
  end(): void
}

/** Opens an event stream and reads its blocks. */
export function connectStream(
  port: number,
  query = '',
  headers: Record<string, string> = {},
): Promise<StreamClient> {
  const heard: Heard[] = []
  const ids: string[] = []
  let text = ''
  let rest = ''
  const take = (block: string) => {
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) ids.push(line.slice(4))
      if (line.startsWith('data: ')) heard.push(JSON.parse(line.slice(6)) as Heard)
    }
  }
  return new Promise((settle, reject) => {
    const request = get(
      {
        host: '127.0.0.1',
        port,
        path: `${BASE}${query}`,
        headers: { accept: 'text/event-stream', ...headers },
        agent: false,
      },
      (response) => {
        const closed = new Promise<void>((done) => void response.on('close', () => done()))
        response.on('error', () => {})
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          rest += chunk.toString()
          const blocks = rest.split('\n\n')
          rest = blocks.pop() ?? ''
          for (const block of blocks) take(block)
        })
        settle({
          ...{ heard, ids, closed },
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          raw: () => text,
          pause: () => void response.pause(),
          resume: () => void response.resume(),
          end: () => void request.destroy(),
        })
      },
    )
    request.on('error', reject)
  })
}
