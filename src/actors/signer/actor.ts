/**
 * The signer holds the keys of the zones and signs what the registry is to serve.
 *
 * Private keys live on this thread and, sealed, in its folder; no message carries one. What is
 * signed with what is decided in core/dnssec; here are time, disk and the others. While it is
 * away nothing changes of what is signed, and everything signed is served on.
 */
import { defineActor } from '../define.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'
import { fromBase64, toBase64 } from '../../core/gossip/app/base64.ts'
import { limits } from '../../core/base/limits.ts'
import { House } from './house.ts'
import { patientPorts } from './patience.ts'
import { faultWords } from './syncer.ts'

/** A message of a peer, and the reply to it. */
async function exchanged(house: House, message: string, client: string) {
  const bytes = fromBase64(message, limits.syncMessageBytes.default)
  if (bytes === undefined) return { fault: 'it is not base64, or too large', message: '' }
  const answer = await house.syncer.answer(bytes, client)
  if (answer.ok) return { fault: '', message: toBase64(answer.value) }
  return { fault: faultWords(answer.error), message: '' }
}

export const signer = defineActor(
  'signer',
  async (ctx, ports: SignerPorts, first: SignerConfig) => {
    const house = await House.open(ctx, patientPorts(ctx, ports), first)
    return {
      receive: {
        'registry.serving-drafted': (draft) => house.draft(draft),
        'dns.sets-wanted': ({ epoch, sets }) => house.desk.wanted(epoch, sets),
        'cluster.keys-learned': (record) => void house.syncer.board?.learned(record),
        'cluster.nodes-set': ({ live, isCurrent }) => house.syncer.board?.nodes(live, isCurrent),
        'gossip.overwatches-set': ({ live }) => house.apart.hear(live),
        'api.list-keys': ({ zone }) => house.list(zone),
        'api.sync-keys': () => house.orders.sync(),
        'api.tell-ds': (told) => house.orders.tellDs(told),
        'api.exchange-keys': ({ message, client }) => exchanged(house, message, client),
        'api.roll-keys': (order) => house.orders.roll(order),
      },
      onPeerStarted: (peer) => {
        if (peer === 'registry' || peer === 'dns') house.tellKeys()
        else if (peer === 'cluster') house.syncer.board?.again()
      },
      onReconfigured: (next: SignerConfig) => void house.configure(next),
      onStop: () => house.close(),
    }
  },
)
