/**
 * The clients of one draining backend: who is connected, who arrived, since when it is quiet.
 *
 * It compares successive readings of the TCP table. A connection that comes and goes between two
 * readings is known from its TIME-WAIT row, where the server closed first, or from the kernel's
 * message that the socket ended, where those can be had (`ended`). The health checks of the agent
 * itself are told apart by their ports, those of overwatches by their addresses; nothing else is
 * left out, since a connection wrongly left out is a request lost.
 */
import { limits } from '../base/limits.ts'
import { formatAddress } from '../net/address.ts'
import { type TcpRows, tcpStates } from './clients-rows.ts'
import type { ConnectionsSeen } from './report.ts'

export interface ClientRules {
  /** Whether the address is one of this machine. */
  isOwn(address: Uint8Array): boolean
  /** Whether it is a known overwatch on another machine. */
  isOverwatch(address: Uint8Array): boolean
  /** Milliseconds since one of our checks used the local port; see clients-marks.ts. */
  checkAgeMs(port: number, nowMs: number): number
}

/** `unsure` lasts until the next reading: the mark of a check may come later than its socket. */
type Kind = 'client' | 'check' | 'unsure'

interface Seen {
  kind: Kind
  state: number
  /** Of the socket while it was open; 0 when it was never seen so. */
  cookie: number
  readonly firstMs: number
  readonly remotePort: number
  readonly network: string
  /** Was there when counting began, so it did not arrive. */
  readonly old: boolean
  /** The reading it was in last. */
  turn: number
}

/** States in which the application has, or will have, the connection in its hands. */
const openStates: ReadonlySet<number> = new Set([
  tcpStates.established,
  tcpStates.synReceived,
  tcpStates.newSynReceived,
  // The client sent all it has; it may still wait for the reply.
  tcpStates.closeWait,
])

const PREFIX_BYTES = { 4: 3, 6: 6 } as const

/** The /24 or /48 of an address of 4 or 16 bytes. */
export function networkOf(address: Uint8Array): string {
  const kept = PREFIX_BYTES[address.length === 4 ? 4 : 6]
  const bytes = new Uint8Array(address.length)
  bytes.set(address.subarray(0, kept))
  return `${formatAddress(bytes)}/${kept * 8}`
}

export class Clients {
  readonly #rules: ClientRules
  readonly #seen = new Map<string, Seen>()
  /** Clients that left, by network, with when the last one did. */
  readonly #left = new Map<string, { connections: number; lastMs: number }>()
  #turn = 0
  #arrived = 0
  #quietSinceMs: number

  constructor(rules: ClientRules, sinceMs: number) {
    this.#rules = rules
    this.#quietSinceMs = sinceMs
  }

  /** One row of the table that belongs to the backend; between `begin` and `finish`. */
  take(rows: TcpRows, row: number, nowMs: number): void {
    const state = rows.state(row)
    if (state === tcpStates.listen || state === tcpStates.synSent) return
    const key = rows.key(row)
    const waits = state === tcpStates.timeWait
    const cookie = waits ? 0 : rows.cookie(row)
    const known = this.#seen.get(key)
    if (known === undefined || isAnother(known, waits, cookie)) {
      if (known !== undefined) this.#gone(known, nowMs)
      this.#seen.set(key, this.#meet(rows, row, nowMs, this.#turn === 1))
      return
    }
    known.state = state
    known.turn = this.#turn
    if (cookie !== 0) known.cookie = cookie
  }

  /** A socket of the backend that ended since the last reading. */
  ended(rows: TcpRows, row: number, nowMs: number): void {
    if (this.#turn === 0 || rows.remotePort(row) === 0) return
    const key = rows.key(row)
    const cookie = rows.cookie(row)
    const known = this.#seen.get(key)
    if (known === undefined || (known.cookie !== 0 && cookie !== known.cookie)) {
      if (known !== undefined) this.#gone(known, nowMs)
      this.#seen.set(key, { ...this.#meet(rows, row, nowMs, false), state: tcpStates.closed })
      return
    }
    known.cookie = cookie
  }

  /** Some ends were not heard of: somebody may have come. */
  missed(nowMs: number): void {
    this.#quietSinceMs = nowMs
  }

  begin(): void {
    this.#turn++
  }

  /** Forgets what is not in the table any more, and says what the undecided ones are. */
  finish(nowMs: number): void {
    for (const [key, seen] of this.#seen) {
      const isFresh = seen.firstMs === nowMs
      if (seen.kind === 'unsure' && !isFresh) this.#decide(seen, nowMs)
      if (seen.turn === this.#turn || (isFresh && seen.kind === 'unsure')) continue
      this.#seen.delete(key)
      this.#gone(seen, nowMs)
    }
    for (const [network, { lastMs }] of this.#left)
      if (nowMs - lastMs > limits.clientNetworkMs.default) this.#left.delete(network)
  }

  report(nowMs: number): ConnectionsSeen {
    const counts = new Map<string, number>()
    for (const [network, { connections }] of this.#left) counts.set(network, connections)
    let [remaining, quietSinceMs] = [0, this.#quietSinceMs]
    for (const { kind, state, network, firstMs, old } of this.#seen.values()) {
      // Who may have been a client has come, until it is known better: many ends may be told of at
      // once, and a reading between that and the next must not call it quiet.
      if (kind === 'unsure' && !old) quietSinceMs = Math.max(quietSinceMs, firstMs)
      if (kind === 'check' || !openStates.has(state)) continue
      remaining++
      counts.set(network, (counts.get(network) ?? 0) + 1)
    }
    const networks = [...counts]
      .map(([network, connections]) => ({ network, connections }))
      .sort((a, b) => b.connections - a.connections || (a.network < b.network ? -1 : 1))
      .slice(0, limits.clientNetworksReported.default)
    return { atMs: nowMs, remaining, arrived: this.#arrived, quietSinceMs, networks }
  }

  #meet(rows: TcpRows, row: number, nowMs: number, old: boolean): Seen {
    const remote = rows.remoteBytes(row)
    const seen: Seen = {
      kind: 'unsure',
      state: rows.state(row),
      cookie: rows.state(row) === tcpStates.timeWait ? 0 : rows.cookie(row),
      firstMs: nowMs,
      remotePort: rows.remotePort(row),
      network: networkOf(remote),
      old,
      turn: this.#turn,
    }
    if (this.#rules.isOwn(remote)) {
      if (this.#isCheck(seen, nowMs)) seen.kind = 'check'
    } else if (this.#rules.isOverwatch(remote)) seen.kind = 'check'
    else this.#welcome(seen)
    return seen
  }

  #isCheck({ remotePort, firstMs }: Seen, nowMs: number): boolean {
    const markedMs = nowMs - this.#rules.checkAgeMs(remotePort, nowMs)
    return Math.abs(markedMs - firstMs) <= limits.ownCheckMs.default
  }

  #decide(seen: Seen, nowMs: number): void {
    if (this.#isCheck(seen, nowMs)) seen.kind = 'check'
    else this.#welcome(seen)
  }

  #welcome(seen: Seen): void {
    seen.kind = 'client'
    if (seen.old) return
    this.#arrived++
    this.#quietSinceMs = Math.max(this.#quietSinceMs, seen.firstMs)
  }

  #gone(seen: Seen, nowMs: number): void {
    if (seen.kind === 'unsure') this.#decide(seen, nowMs)
    if (seen.kind !== 'client') return
    const left = this.#left.get(seen.network)
    if (left === undefined && this.#left.size >= limits.clientNetworksMax.default) {
      const first = this.#left.keys().next().value
      if (first !== undefined) this.#left.delete(first)
    }
    // Deleted first, so that the map is in the order of the last departure.
    this.#left.delete(seen.network)
    this.#left.set(seen.network, { connections: (left?.connections ?? 0) + 1, lastMs: nowMs })
  }
}

/** Whether a row with the same ends is another connection than the one seen before. */
function isAnother(known: Seen, waits: boolean, cookie: number): boolean {
  if (waits) return false
  if (known.state === tcpStates.timeWait || known.state === tcpStates.closed) return true
  return cookie !== 0 && known.cookie !== 0 && cookie !== known.cookie
}
