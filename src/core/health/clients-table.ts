/**
 * Deals the rows of one TCP table out to the backends they belong to.
 *
 * A backend's rows are those of its port at its own address, or at any address where its
 * application listens on all of them. Without a listener in the table nothing can be said of the
 * backend: it runs on another machine, or in another network namespace.
 */
import { type Address, parseAddress } from '../net/address.ts'
import { type ClientRules, Clients } from './clients.ts'
import { type TcpRows, tcpStates } from './clients-rows.ts'
import type { ConnectionsSeen } from './report.ts'

export interface WatchedBackend {
  readonly key: string
  /** Where it is checked, and where answers send clients; literals. */
  readonly addresses: readonly string[]
  readonly port: number
}

interface Watched {
  readonly backend: WatchedBackend
  readonly addresses: readonly Address[]
  readonly clients: Clients
  /** Its listener, as last seen: at its own address, at all of them, or never seen. */
  listens: 'own' | 'all' | 'never'
}

/** `ends`: whether short connections are heard of, not only those a reading happens to see. */
export interface Reading {
  readonly rows: TcpRows
  /** Sockets that ended since the last reading. */
  readonly ended: TcpRows
  /** Some ends were dropped by the kernel. */
  readonly missed: boolean
  readonly endsHeard: boolean
  /** For how long ends may be on their way that nobody was told of yet, ms; absent: not at all. */
  readonly endsLateMs?: number
  /** False when the table did not fit: then nobody can be called gone. */
  readonly complete: boolean
}

const isWildcard = (bytes: Uint8Array) => bytes.every((byte) => byte === 0)

const equal = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

const addressesOf = (texts: readonly string[]): readonly Address[] =>
  texts.flatMap((text) => {
    const parsed = parseAddress(text)
    return parsed.ok ? [parsed.value] : []
  })

export class ClientTable {
  readonly #rules: ClientRules
  readonly #watched = new Map<string, Watched>()
  #byPort = new Map<number, Watched[]>()
  /** Addresses with a listener of their own, by port. */
  #listeners = new Map<number, Uint8Array[]>()
  #complete = true
  #endsHeard = false
  #endsLateMs = 0

  constructor(rules: ClientRules) {
    this.#rules = rules
  }

  get ports(): readonly number[] {
    return [...this.#byPort.keys()]
  }

  /** Counts for exactly these from now on; those counted already go on. */
  watch(backends: readonly WatchedBackend[], nowMs: number): void {
    const wanted = new Set(backends.map(({ key }) => key))
    for (const key of this.#watched.keys()) if (!wanted.has(key)) this.#watched.delete(key)
    for (const backend of backends) {
      if (this.#watched.has(backend.key)) continue
      const addresses = addressesOf(backend.addresses)
      const clients = new Clients(this.#rules, nowMs)
      this.#watched.set(backend.key, { backend, addresses, clients, listens: 'never' })
    }
    this.#byPort = new Map()
    for (const one of this.#watched.values()) {
      const { port } = one.backend
      this.#byPort.set(port, [...(this.#byPort.get(port) ?? []), one])
    }
  }

  observe(reading: Reading, nowMs: number): void {
    const { rows, ended, missed, complete } = reading
    this.#complete = complete
    this.#endsHeard = reading.endsHeard
    this.#endsLateMs = reading.endsLateMs ?? 0
    this.#findListeners(rows)
    for (const { clients } of this.#watched.values()) {
      if (missed) clients.missed(nowMs)
    }
    this.#deal(ended, (clients, row) => clients.ended(ended, row, nowMs))
    if (!complete) return
    for (const { clients } of this.#watched.values()) clients.begin()
    this.#deal(rows, (clients, row) => clients.take(rows, row, nowMs))
    for (const { clients } of this.#watched.values()) clients.finish(nowMs)
  }

  /** What is known of a backend's clients; undefined where the table does not show them. */
  report(key: string, nowMs: number): ConnectionsSeen | undefined {
    const one = this.#watched.get(key)
    if (one === undefined || one.listens === 'never' || !this.#complete) return undefined
    const heardMs = nowMs - this.#endsLateMs
    return { ...one.clients.report(nowMs), endsHeard: this.#endsHeard, heardMs }
  }

  #deal(rows: TcpRows, to: (clients: Clients, row: number) => void): void {
    for (let row = 0; row < rows.count; row++) {
      const port = rows.localPort(row)
      for (const one of this.#byPort.get(port) ?? [])
        if (this.#belongs(one, port, rows.localBytes(row))) to(one.clients, row)
    }
  }

  #belongs({ addresses, listens }: Watched, port: number, local: Uint8Array): boolean {
    if (addresses.some(({ bytes }) => equal(bytes, local))) return true
    if (listens !== 'all') return false
    return !(this.#listeners.get(port) ?? []).some((bytes) => equal(bytes, local))
  }

  #findListeners(rows: TcpRows): void {
    this.#listeners = new Map()
    for (let row = 0; row < rows.count; row++) {
      if (rows.state(row) !== tcpStates.listen) continue
      const port = rows.localPort(row)
      const bytes = rows.localBytes(row)
      this.#listeners.set(port, [...(this.#listeners.get(port) ?? []), bytes])
    }
    for (const [port, watched] of this.#byPort) {
      const listeners = this.#listeners.get(port) ?? []
      for (const one of watched) {
        const own = listeners.some((l) => one.addresses.some(({ bytes }) => equal(bytes, l)))
        // An application that stops closes its listener first: the last one seen counts.
        if (own) one.listens = 'own'
        else if (listeners.some(isWildcard)) one.listens = 'all'
      }
    }
  }
}
