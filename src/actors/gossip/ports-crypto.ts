/**
 * AES-GCM and nonces for gossip, over node:crypto.
 *
 * The cipher is synchronous: on the sizes of packets a trip to another thread costs more than it.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'
import type { AesGcm } from '../../core/gossip/wire/crypt.ts'

const TAG_BYTES = 16
const NONCE_BYTES = 12
/** Nonces drawn at a time: one system call for many. */
const NONCES_DRAWN = 256

const nameOf = (key: Uint8Array) => `aes-${(key.length * 8) as 128 | 192 | 256}-gcm` as const

export const nodeAesGcm: AesGcm = {
  seal(key, nonce, plain, aad) {
    const cipher = createCipheriv(nameOf(key), key, nonce, { authTagLength: TAG_BYTES })
    if (aad.length > 0) cipher.setAAD(aad)
    const sealed = new Uint8Array(plain.length + TAG_BYTES)
    sealed.set(cipher.update(plain))
    cipher.final()
    sealed.set(cipher.getAuthTag(), plain.length)
    return sealed
  },

  open(key, nonce, sealed, aad) {
    if (sealed.length < TAG_BYTES) return undefined
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(nameOf(key), key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(sealed.subarray(end))
    if (aad.length > 0) decipher.setAAD(aad)
    const plain = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
      return plain
    } catch {
      // The tag does not match: another key, other octets, or another label.
      return undefined
    }
  },
}

/** Nonces from the system's random source, each a copy of its own. */
export function nonceSource(): () => Uint8Array {
  const drawn = new Uint8Array(NONCE_BYTES * NONCES_DRAWN)
  let at = drawn.length
  return () => {
    if (at === drawn.length) {
      randomFillSync(drawn)
      at = 0
    }
    at += NONCE_BYTES
    return drawn.slice(at - NONCE_BYTES, at)
  }
}
