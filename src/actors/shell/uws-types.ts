/**
 * The part of uWebSockets.js 20 that is used, as its binary exports it (it ships no types here).
 */
export interface UwsRequest {
  getCaseSensitiveMethod(): string
  getUrl(): string
  getQuery(): string | undefined
  forEach(visit: (name: string, value: string) => void): void
}

export interface UwsResponse {
  /** 4 or 16 bytes, network order; valid only inside the call. */
  getRemoteAddress(): ArrayBuffer
  onAborted(run: () => void): UwsResponse
  onData(take: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse
  cork(write: () => void): UwsResponse
  writeStatus(status: string): UwsResponse
  writeHeader(name: string, value: string): UwsResponse
  end(body: string | Uint8Array, closeConnection?: boolean): UwsResponse
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): UwsResponse
  close(): UwsResponse
  /** False: some of it waits, and `onWritable` will be called. */
  write(chunk: string | Uint8Array): boolean
  /** Called when what waited was sent; true when nothing waits again. */
  onWritable(run: (offset: number) => boolean): UwsResponse
  /** Copies the properties of `userData` to the socket that `open` is called with. */
  upgrade<T>(userData: T, key: string, protocol: string, extensions: string, context: object): void
}

/** Throws when it is touched after `close` was called. */
export interface UwsSocket {
  /** 1 sent, 0 some of it waits, 2 dropped. */
  send(message: Uint8Array | string, isBinary: boolean): number
  getBufferedAmount(): number
  cork(write: () => void): UwsSocket
  /** Sends a close frame and ends. */
  end(code: number, reason: string): void
  close(): void
}

export interface UwsBehaviour<T> {
  readonly maxPayloadLength: number
  readonly maxBackpressure: number
  readonly closeOnBackpressureLimit: boolean
  /** Seconds. */
  readonly idleTimeout: number
  readonly sendPingsAutomatically: boolean
  readonly compression: number
  readonly upgrade: (response: UwsResponse, request: UwsRequest, context: object) => void
  readonly open: (socket: UwsSocket & T) => void
  /** The bytes are valid only inside the call. */
  readonly message: (socket: UwsSocket & T, bytes: ArrayBuffer, isBinary: boolean) => void
  /** Called once the library has queued its pong. */
  readonly ping: (socket: UwsSocket & T) => void
  readonly drain: (socket: UwsSocket & T) => void
  readonly close: (socket: UwsSocket & T) => void
}

/** Opaque; false when listening failed. */
export type UwsListenSocket = object | false

export interface UwsApp {
  ws<T>(pattern: string, behaviour: UwsBehaviour<T>): UwsApp
  any(pattern: string, handle: (response: UwsResponse, request: UwsRequest) => void): UwsApp
  listen(port: number, options: number, done: (socket: UwsListenSocket) => void): UwsApp
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: UwsListenSocket) => void,
  ): UwsApp
  /** Called with 1 when a connection opens and -1 when it ends. */
  filter(run: (response: UwsResponse, change: number) => void): UwsApp
  close(): UwsApp
}

export interface Uws {
  App(): UwsApp
  us_socket_local_port(socket: object): number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number
}
