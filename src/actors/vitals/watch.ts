/**
 * Counts the clients of draining backends: reads the TCP table on a fixed beat while one drains.
 *
 * What a row means is decided in core/health/clients.ts; this keeps time, opens the table when the
 * first backend drains and closes it when the last one no longer does.
 */
import { limits } from '../../core/base/limits.ts'
import { CheckMarks, checkMarksMemory } from '../../core/health/clients-marks.ts'
import { ClientTable, type WatchedBackend } from '../../core/health/clients-table.ts'
import type { ConnectionsSeen } from '../../core/health/report.ts'
import { parseAddress } from '../../core/net/address.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { TcpTable, VitalsPorts, Whereabouts } from './contract.ts'

interface Told {
  readonly connections: ConnectionsSeen | undefined
  readonly atMs: number
}

const sameCounts = (a: ConnectionsSeen | undefined, b: ConnectionsSeen | undefined) =>
  a?.remaining === b?.remaining && a?.arrived === b?.arrived && a?.quietSinceMs === b?.quietSinceMs

/** The addresses a connection leaves from when nobody chose one: anybody's on this machine. */
const loopbacks = ['127.0.0.1', '::1']

const isLoopback = (bytes: Uint8Array) =>
  bytes.length === 4
    ? bytes[0] === 127
    : bytes.every((byte, at) => (at === 15 ? byte === 1 : byte === 0))

export class ClientWatch {
  readonly #clock: Clock
  readonly #log: Log
  readonly #ports: VitalsPorts
  readonly #say: (backend: string, connections: ConnectionsSeen | undefined) => void
  readonly #marks: CheckMarks
  readonly #told = new Map<string, Told>()
  readonly #where = new Map<string, Whereabouts>()
  readonly #counts: ClientTable
  #watched: readonly WatchedBackend[] = []
  #own: ReadonlySet<string> = new Set()
  #overwatches: ReadonlySet<string> = new Set()
  #table: TcpTable | undefined
  #cancel: Cancel | undefined
  #warned = false

  constructor(
    world: { readonly clock: Clock; readonly log: Log },
    ports: VitalsPorts,
    checkMarks: SharedArrayBuffer | undefined,
    say: (backend: string, connections: ConnectionsSeen | undefined) => void,
  ) {
    this.#clock = world.clock
    this.#log = world.log
    this.#ports = ports
    this.#say = say
    this.#marks = new CheckMarks(checkMarks ?? checkMarksMemory())
    this.#counts = this.#tableOf()
  }

  /**
   * Addresses of overwatches. One that is this machine's too may be a client's, and counts; but
   * nobody connects from a loopback address of its own (127.20.0.10) who did not choose it.
   */
  leaveOut(addresses: readonly string[]): void {
    this.#overwatches = new Set(addresses.flatMap(keyOfText))
  }

  /** Counts for exactly these from now on. */
  watch(backends: readonly WatchedBackend[]): void {
    const before = new Set(this.#watched.map(({ key }) => key))
    this.#watched = backends
    if (backends.length === 0) {
      this.stop()
      return
    }
    this.#table ??= this.#open()
    this.#counts.watch(backends, this.#clock.nowMs())
    for (const key of [...this.#told.keys()])
      if (!backends.some((backend) => backend.key === key)) this.#told.delete(key)
    for (const backend of backends) if (!before.has(backend.key)) void this.#locate(backend)
    this.#cancel ??= this.#clock.every(limits.clientsPollMs.default, 0, () => this.#poll())
  }

  /** What is known now of a backend that is watched. */
  of(key: string): ConnectionsSeen | undefined {
    return this.#told.get(key)?.connections
  }

  counted(): ReadonlyMap<string, ConnectionsSeen> {
    const known = new Map<string, ConnectionsSeen>()
    for (const [key, { connections }] of this.#told)
      if (connections !== undefined) known.set(key, connections)
    return known
  }

  /** One reading for backends that are not watched: who is connected at this moment. */
  once(backends: readonly WatchedBackend[]): ReadonlyMap<string, ConnectionsSeen> {
    const found = new Map<string, ConnectionsSeen>()
    const table = this.#ports.openTcpTable()
    this.#learnOwn(table)
    const counts = this.#tableOf()
    const nowMs = this.#clock.nowMs()
    counts.watch(backends, nowMs)
    const reading = table.read(counts.ports)
    table.close()
    if (reading === undefined) return found
    counts.observe(reading, nowMs)
    for (const { key } of backends) {
      const seen = counts.report(key, nowMs)
      if (seen !== undefined) found.set(key, seen)
    }
    return found
  }

  /** Says what is known to a reader that has lost it. */
  sayAgain(): void {
    for (const [key, { connections }] of this.#told) this.#say(key, connections)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#table?.close()
    this.#table = undefined
    this.#counts.watch([], this.#clock.nowMs())
    this.#told.clear()
    this.#where.clear()
  }

  #tableOf(): ClientTable {
    return new ClientTable({
      isOwn: (address) => this.#isOwn(address),
      isOverwatch: (address) => this.#overwatches.has(keyOfBytes(address)),
      checkAgeMs: (port, nowMs) => this.#marks.ageMs(port, nowMs),
    })
  }

  #isOwn(address: Uint8Array): boolean {
    const key = keyOfBytes(address)
    if (this.#own.has(key)) return true
    return isLoopback(address) && !this.#overwatches.has(key)
  }

  #open(): TcpTable {
    const table = this.#ports.openTcpTable()
    this.#learnOwn(table)
    return table
  }

  #learnOwn(table: TcpTable): void {
    this.#own = new Set([...loopbacks, ...table.ownAddresses()].flatMap(keyOfText))
  }

  /** Counts mean nothing where connections are forwarded past this machine's table. */
  async #locate({ key, addresses, port }: WatchedBackend): Promise<void> {
    const where = await this.#ports.whereabouts(addresses[0] ?? '', port, (localPort) =>
      this.#marks.mark(localPort, this.#clock.nowMs()),
    )
    if (!this.#watched.some((backend) => backend.key === key)) return
    this.#where.set(key, where)
    if (where === 'elsewhere')
      this.#log.warn('clients cannot be counted: connections are forwarded elsewhere', {
        backend: key,
      })
  }

  #poll(): void {
    const nowMs = this.#clock.nowMs()
    const reading = this.#table?.read(this.#counts.ports)
    if (reading === undefined || !reading.complete) {
      if (!this.#warned) this.#log.warn('the TCP table cannot be read, clients are not counted')
      this.#warned = true
    } else this.#counts.observe(reading, nowMs)
    for (const { key } of this.#watched) {
      const where = this.#where.get(key)
      // Until its whereabouts are known, nothing is said of it.
      if (where === undefined) continue
      const isReadable = reading?.complete === true && where !== 'elsewhere'
      this.#tell(key, isReadable ? this.#counts.report(key, nowMs) : undefined, nowMs)
    }
  }

  #tell(key: string, connections: ConnectionsSeen | undefined, nowMs: number): void {
    const told = this.#told.get(key)
    const isSame = told !== undefined && sameCounts(told.connections, connections)
    const waitMs = isSame ? limits.clientsSayAgainMs.default : limits.clientsSayMs.default
    if (told !== undefined && nowMs - told.atMs < waitMs && nowMs >= told.atMs) return
    this.#told.set(key, { connections, atMs: nowMs })
    this.#say(key, connections)
  }
}

const keyOfBytes = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

const keyOfText = (text: string): string[] => {
  const parsed = parseAddress(text)
  return parsed.ok ? [keyOfBytes(parsed.value.bytes)] : []
}
