/**
 * What the members of one cluster agree on about their octets.
 */
import type { Encryption } from './crypt.ts'

export interface Wire {
  /** At most 255 octets; empty for none. Told apart byte for byte. */
  readonly label: Uint8Array
  /** Something in front of us has removed the label already; it still binds the encryption. */
  readonly skipInboundLabelCheck?: boolean
  /** Nothing where the cluster talks in clear. */
  readonly encryption: Encryption | undefined
  /** Whether what is sent is compressed; compressed messages are always understood. */
  readonly compress: boolean
}

/** What seals outgoing octets, if anything does. */
export const outgoing = ({ encryption }: Wire): Encryption | undefined =>
  encryption?.verifyOutgoing === true ? encryption : undefined
