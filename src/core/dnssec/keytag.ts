/**
 * Key tags (RFC 4034 appendix B): a checksum of the DNSKEY data that finds a key, and proves none.
 *
 * Algorithm 1, whose tag is another one (appendix B.1), is not among ours.
 */
export function keyTag(dnskeyRdata: Uint8Array): number {
  let sum = 0
  for (const [at, byte] of dnskeyRdata.entries()) sum += at % 2 === 0 ? byte << 8 : byte
  // The sum of 65,535 octets stays far below 2^31, so one carry is all there is.
  return (sum + (sum >>> 16)) & 0xffff
}
