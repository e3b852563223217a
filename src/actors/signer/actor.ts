/**
 * The signer holds the keys of the zones and signs what the registry is to serve.
 *
 * Private keys live on this thread and, sealed, in its folder; no message carries one. What is
 * signed with what is decided in core/dnssec; here are time, disk and the others. While it is
 * away nothing changes of what is signed, and everything signed is served on.
 */
import { defineActor } from '../define.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'
import { House } from './house.ts'

export const signer = defineActor(
  'signer',
  async (ctx, ports: SignerPorts, first: SignerConfig) => {
    const house = await House.open(ctx, ports, first)
    return {
      receive: {
        'registry.serving-drafted': (draft) => house.draft(draft),
        'dns.sets-wanted': ({ epoch, sets }) => house.desk.wanted(epoch, sets),
        'api.list-keys': ({ zone }) => house.list(zone),
        'api.sync-keys': () => ({
          outcome: 'unavailable',
          message: 'overwatch.dnssec.key_sync.peers lists no peer',
        }),
        'api.roll-keys': (order) => house.roll(order),
      },
      onPeerStarted: (peer) => {
        if (peer === 'registry') house.tellKeys()
      },
      onReconfigured: (next: SignerConfig) => void house.configure(next),
      onStop: () => house.close(),
    }
  },
)
