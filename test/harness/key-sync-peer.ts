/**
 * A peer of key sync that a test tells what to say: it knows the secret and the protocol, and keeps
 * none of its rules.
 */
import { nodeDnssecCrypto } from '../../src/actors/signer/ports-crypto.ts'
import { postToPeer } from '../../src/actors/signer/ports-peers.ts'
import { nodeSyncCrypto } from '../../src/actors/signer/ports-sync-crypto.ts'
import { messageBytes, readMessage } from '../../src/core/dnssec/sync/codec.ts'
import {
  type Agreement,
  authorityOf,
  open,
  type Opened,
  seal,
} from '../../src/core/dnssec/sync/envelope.ts'
import type { Bundle, SyncMessage } from '../../src/core/dnssec/sync/types.ts'

const crypto = nodeSyncCrypto(nodeDnssecCrypto())

interface Answer {
  readonly read: SyncMessage
  readonly opened: Opened
}

export class KeySyncPeer {
  readonly #url: string
  readonly #node: string
  readonly #authority: Uint8Array

  /** @param node whose name it gives for its own */
  constructor(url: string, node: string, secret: string) {
    this.#url = url
    this.#node = node
    this.#authority = authorityOf(new TextEncoder().encode(secret), crypto)
  }

  async #say(part: Partial<SyncMessage>, receiver?: Uint8Array): Promise<Answer> {
    const message: SyncMessage = {
      ...{ kind: 'request', node: this.#node, heard: [], after: '', marks: [], bundles: [] },
      ...{ wants: [], isCut: false, ...part },
    }
    const envelope = seal(messageBytes(message), this.#authority, receiver, crypto)!
    const posted = await postToPeer(this.#url, envelope.bytes, 10_000)
    if (!posted.ok) throw new Error(posted.error)
    return this.#read(posted.value, envelope.own)
  }

  #read(bytes: Uint8Array, own: Agreement): Answer {
    const opened = open(bytes, this.#authority, [own], crypto)
    if (!opened.ok) throw new Error(opened.error)
    const read = readMessage(opened.value.message)
    if (typeof read === 'string') throw new Error(read)
    return { read, opened: opened.value }
  }

  /** Says something in a session, which a first message without keys opens. */
  async #talk(part: Partial<SyncMessage>): Promise<SyncMessage> {
    const first = await this.#say({})
    return (await this.#say(part, first.opened.sender)).read
  }

  /** The keys of the zone as the node has them, private ones too. */
  async fetch(zone: string): Promise<Bundle> {
    const { bundles } = await this.#talk({ wants: [zone] })
    const found = bundles.find(({ state }) => state.zone === zone)
    if (found === undefined) throw new Error(`no keys of ${zone} came`)
    return found
  }

  async push(bundle: Bundle): Promise<void> {
    await this.#talk({ bundles: [bundle] })
  }
}
