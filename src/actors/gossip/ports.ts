/**
 * Gossip's real world: sockets of this machine, its names and addresses, node:crypto, and the
 * identity of an agent on disk.
 */
import { randomBytes } from 'node:crypto'
import { ok, fail } from '../../core/base/result.ts'
import type { GossipPorts } from './contract.ts'
import { addressTowards, resolveEndpoint } from './ports-address.ts'
import { nodeAesGcm, nonceSource } from './ports-crypto.ts'
import { loadIdentity, renewIdentity } from './ports-identity.ts'
import { nodeTrustCrypto } from './ports-signatures.ts'
import { openSocket } from './ports-socket.ts'

export function openPorts(): GossipPorts {
  return {
    crypto: nodeTrustCrypto(),
    aesGcm: nodeAesGcm,
    nonce: nonceSource(),
    secret: (bytes) => randomBytes(bytes),
    open: openSocket,
    resolve: resolveEndpoint,
    addressTowards,
    identity: (files, nowMs) => {
      const loaded = loadIdentity(files, nowMs)
      return loaded.ok ? ok(loaded.value) : fail(loaded.error.message)
    },
    renew: (files, nowMs) => {
      const loaded = loadIdentity(files, nowMs)
      // What is near its end was renewed by that already.
      const isRenewed = loaded.ok && loaded.value.origin === 'renewed'
      const renewed = !loaded.ok || isRenewed ? loaded : renewIdentity(files, loaded.value, nowMs)
      return renewed.ok ? ok(renewed.value) : fail(renewed.error.message)
    },
  }
}
