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
}

/** Opaque; false when listening failed. */
export type UwsListenSocket = object | false

export interface UwsApp {
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
