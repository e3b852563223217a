/**
 * What the shell needs of the world, and how it is configured.
 */
import type { ClientCertificate } from '../../core/access/credentials.ts'
import type { Result } from '../../core/base/result.ts'
import type { FeedMessage } from '../../core/events/protocol.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'

/** A request as read off a socket: bounded, complete, and without anything library-specific. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string
  /** Still percent-encoded, without the query. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  /** Names in lower case; repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Canonical address of the peer. */
  readonly remoteAddress: string
  /** What the client showed and TLS verified; absent where it showed none. */
  readonly certificate?: ClientCertificate
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}

export interface ListenOptions {
  /** `host:port`, `[v6]:port` or `:port`. */
  readonly address: string
  /** Must not reject; if it does the client gets a 500 and the reason goes to `onFault`. */
  readonly onRequest: (request: HttpRequest) => Promise<HttpAnswer>
  readonly onFault: (error: unknown) => void
  /** Absent: nobody can listen to events here. */
  readonly feed?: FeedDoor
  /** Speaks TLS with these; plain HTTP without. */
  readonly tls?: TlsFiles
  /** Also clients that speak HTTP/1.0: health checks of old load balancers do. */
  readonly oldClients?: boolean
  /** Defaults are those of core/base/limits/api.ts; tests set smaller ones. */
  readonly limits?: Partial<HttpLimits>
}

/** How readers of the feed come in: by WebSocket, or as an event stream over HTTP. */
export type FeedTransport = 'websocket' | 'sse'

export interface FeedDoor {
  readonly path: string
  /** Must not reject; if it does the client gets a 500 and the reason goes to `onFault`. */
  admit(head: Omit<HttpRequest, 'body'>, transport: FeedTransport): Promise<FeedAdmission>
}

export type FeedAdmission =
  | { readonly code: 'refused'; readonly answer: HttpAnswer }
  | {
      readonly code: 'admitted'
      /** The subprotocol to speak; empty where none was offered. */
      readonly protocol: string
      /** Called once the connection stands. */
      open(socket: FeedSocket): FeedListener
    }

/** A connection that events are written to. */
export interface FeedSocket {
  /**
   * Sends messages, each as one. The same list may go to many sockets and is framed once.
   * @returns bytes that wait to be sent, these included
   */
  send(messages: readonly FeedMessage[]): number
  waitingBytes(): number
  /** Ends it; `code` and `reason` are those of RFC 6455 section 7.4. Safe to call twice. */
  close(code: number, reason: string): void
}

export interface FeedListener {
  /** A message of the reader; never more than `messageBytes`. */
  message(bytes: Uint8Array, isText: boolean): void
  /** Less waits than before. */
  drained(): void
  /** It is gone; said once. */
  closed(): void
}

/** Paths of PEM files, and who may do without. */
export interface TlsFiles {
  /** The certificate of the server, then those that lead to its root. */
  readonly certFile: string
  readonly keyFile: string
  /** Authorities of client certificates; without them no client is asked for one. */
  readonly clientCaFile?: string
  /** Clients without a certificate are refused, not only asked. */
  readonly clientMust?: boolean
  /** Who may speak plain HTTP on the same port; absent means nobody. */
  readonly plain?: 'loopback' | 'all'
}

export type TlsFile = 'certFile' | 'keyFile' | 'clientCaFile'

export interface HttpLimits {
  readonly bodyBytes: number
  readonly headerBytes: number
  readonly requestMs: number
  readonly idleMs: number
  readonly inFlight: number
  readonly connections: number
  /** Of readers of the feed, beside `connections`. */
  readonly feedConnections: number
  readonly messageBytes: number
  readonly pingMs: number
}

/** One open listener. */
export interface HttpFront {
  /** Which implementation serves it. */
  readonly kind: 'uws' | 'node'
  readonly port: number
  /** When the certificate ends, where TLS is spoken. */
  readonly certificateEnds?: string
  /**
   * Where TLS is spoken: reads the files again and uses them for connections to come. On a fault
   * nothing changes.
   */
  renewTls?(): Result<RenewedTls, ListenFault>
  /** Stops listening and ends open connections. Safe to call twice. */
  close(): Promise<void>
}

export interface RenewedTls {
  /** False when the files hold what they held. */
  readonly changed: boolean
  readonly certificateEnds: string
}

export interface ListenFault {
  readonly code:
    | 'bad-address'
    | 'address-in-use'
    | 'address-not-available'
    | 'denied'
    | 'bad-tls'
    | 'failed'
  readonly message: string
  /** Of the TLS files, the one at fault. */
  readonly file?: TlsFile
}

export type Listen = (options: ListenOptions) => Promise<Result<HttpFront, ListenFault>>

/** One file of the dashboard, in memory. */
export interface DashboardFile {
  /** As asked for: `/`, `/assets/index-1a2b3c4d.js`. */
  readonly path: string
  /** Its Content-Type. */
  readonly type: string
  readonly body: Uint8Array
  /** The same, as gzip. */
  readonly zipped: Uint8Array
  /** Of the body, fit for an entity tag. */
  readonly hash: string
  /** Its name changes with its content, so it may be kept for ever. */
  readonly isHashed: boolean
}

export interface ShellPorts {
  readonly listen: Listen
  /** The files of the dashboard; none where it was not built. */
  readonly dashboardFiles?: readonly DashboardFile[]
  /** Why uWebSockets.js does not serve, for the log; undefined when it does. */
  readonly fallbackReason: string | undefined
  /** Calls `run` at each SIGUSR1; the function given ends that. */
  onDrainSignal(run: () => void): () => void
  /** Sets how much the whole process logs. */
  setLogLevel(level: 'debug' | 'info' | 'warn' | 'error'): void
  /** The metrics of all actors in Prometheus text. */
  metricsText(): Promise<{ readonly text: string; readonly contentType: string }>
  /** What DNS has counted; `all` begins the rows anew. Undefined where nobody answers DNS. */
  counts(all: boolean): Counts | undefined
}

/** See `shell.counters-read`. */
export type Counts = Omit<MessageOf<ProductCatalogue, 'shell.counters-read'>, 'atMs'>

/** How often the configuration was read again, for the metrics. */
export interface ReloadCounts {
  readonly succeeded: number
  readonly failed: number
  /** Of the last successful reload, Unix milliseconds; 0 before the first. */
  readonly lastMs: number
  /** When the configuration in force was loaded, Unix milliseconds. */
  readonly loadedMs: number
}

export interface ShellConfig {
  readonly reloads: ReloadCounts
  readonly api: {
    readonly address: string
    readonly enabled: boolean
    /** Absent where the API speaks plain HTTP. */
    readonly tls?: TlsFiles
    /** Serves the dashboard to these networks and loopback; absent where there is none. */
    readonly dashboard?: { readonly allowedNetworks: readonly string[] }
  }
  readonly metrics: {
    readonly address: string
    readonly enabled: boolean
    /** Networks that may scrape; empty means everybody who can reach the address. */
    readonly allowedNetworks: readonly string[]
    /** An address that cannot be had is a warning and no reason to end. */
    readonly optional?: boolean
  }
  /** Of an agent: SIGUSR1 declares its backends draining, and lifts that again. */
  readonly drainSignals?: boolean
}
