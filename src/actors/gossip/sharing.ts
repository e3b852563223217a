/**
 * What overwatches tell each other, carried: frames of the exchange, with their code and their way.
 *
 * Frames travel with gossip, or on a port of their own; the exchange of core/gossip/peers decides
 * what is said. A frame whose code is wrong is counted and looked at no further.
 */
import { limits } from '../../core/base/limits.ts'
import { type Digests, octetsOf } from '../../core/gossip/app/crypto.ts'
import { Exchange } from '../../core/gossip/peers/exchange.ts'
import { decodeFrame, encodeFrame, MAC_BYTES, type Mac } from '../../core/gossip/peers/frames.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { Ticking } from './contract.ts'

export interface SharingEars {
  send(to: string, octets: Uint8Array, via: 'packet' | 'stream'): void
  learned(record: SharedRecord): void
}

/** The exchange is looked at this often; what it plans is seconds apart. */
const TICK_MS = 100

export function macOf(
  { hmacSha256 }: Digests,
  tokens: Readonly<Record<string, string>>,
  secret: string,
): Mac {
  const sorted = Object.entries(tokens).sort(([a], [b]) => (a < b ? -1 : 1))
  const words = secret === '' ? JSON.stringify(sorted) : secret
  const key = hmacSha256(octetsOf('opengslb overwatch peers'), octetsOf(words))
  return (bytes) => hmacSha256(key, bytes).subarray(0, MAC_BYTES)
}

export class Sharing {
  readonly exchange: Exchange
  refused = 0
  readonly #here: Ticking
  readonly #self: { readonly node: string; readonly boot: number }
  readonly #ears: SharingEars
  #mac: Mac
  #cancel: Cancel = () => {}

  constructor(
    here: Ticking,
    self: { readonly node: string; readonly boot: number },
    mac: Mac,
    ears: SharingEars,
  ) {
    this.#here = here
    this.#self = self
    this.#mac = mac
    this.#ears = ears
    this.exchange = new Exchange(here.random)
  }

  configure(mac: Mac): void {
    this.#mac = mac
  }

  start(): void {
    const { clock, random } = this.#here
    this.#cancel = clock.every(TICK_MS, random.below(TICK_MS), () => {
      this.exchange.tick(clock.nowMs())
      this.#flush()
    })
  }

  stop(): void {
    this.#cancel()
  }

  setPeers(names: readonly string[]): void {
    this.exchange.setPeers(names, this.#here.clock.nowMs())
    this.exchange.tick(this.#here.clock.nowMs())
    this.#flush()
  }

  /** What this node knows first-hand; false when it was known already or cannot be shared. */
  tell(record: SharedRecord): boolean {
    const outcome = this.exchange.tell(record, this.#here.clock.nowMs())
    this.#flush()
    return outcome === 'newer'
  }

  /** A frame; gives the name of its sender when it is one of ours. */
  hear(octets: Uint8Array): string | undefined {
    const frame = decodeFrame(octets, this.#mac)
    if (!frame.ok || frame.value.sender === this.#self.node) {
      this.refused++
      return undefined
    }
    const { sender, body } = frame.value
    this.exchange.receive(sender, body, this.#here.clock.nowMs())
    this.#flush()
    return sender
  }

  /** A frame that says that we are here, and what we hold. */
  greeting(): Uint8Array {
    const { ledger } = this.exchange
    const body = { type: 'root', count: ledger.size, hash: ledger.root() } as const
    return encodeFrame({ sender: this.#self.node, boot: this.#self.boot, body }, this.#mac)
  }

  #flush(): void {
    for (const { to, body } of this.exchange.takeOutgoing()) {
      const { node: sender, boot } = this.#self
      const octets = encodeFrame({ sender, boot, body }, this.#mac)
      const via = octets.length <= limits.peerPacketBytes.default ? 'packet' : 'stream'
      this.#ears.send(to, octets, via)
    }
    for (const record of this.exchange.takeLearned()) this.#ears.learned(record)
  }
}
