/**
 * The OPT record of the reply (RFC 6891): sent when the query had one, and then always.
 *
 * Its room is set aside before anything else is written, so a full answer can never push it out.
 */
import { copyWords } from '../base/octets.ts'
import { ADDITIONAL, COOKIE_BYTES, type Exchange, NO_EDE } from './exchange.ts'
import { ednsOptions, types } from './types.ts'

/** What the server tells about itself in OPT. */
export interface OptSettings {
  readonly udpPayloadBytes: number
  /** Empty: no NSID. */
  readonly nsid: Uint8Array
  /** Of TCP connections, in units of 100 ms (RFC 7828 section 3.1); 0: not told. */
  readonly keepaliveTenths: number
}

/** Root name, type, class, TTL and RDLENGTH. */
const OPT_FIXED_BYTES = 11
const OPTION_HEADER_BYTES = 4
/** Behind the family and the source prefix length. */
const SCOPE_AT = 3
const EDE_BYTES = OPTION_HEADER_BYTES + 2
const KEEPALIVE_BYTES = OPTION_HEADER_BYTES + 2

const tellsNsid = (x: Exchange, settings: OptSettings): boolean =>
  x.wantsNsid && settings.nsid.length > 0
const tellsKeepalive = (x: Exchange, settings: OptSettings): boolean =>
  x.wantsKeepalive && settings.keepaliveTenths > 0

/** The most octets that OPT of this reply can take. */
export function optBytesMax(x: Exchange, settings: OptSettings): number {
  if (!x.edns) return 0
  let bytes = OPT_FIXED_BYTES + EDE_BYTES
  if (tellsNsid(x, settings)) bytes += OPTION_HEADER_BYTES + settings.nsid.length
  if (x.ecsBytes > 0) bytes += OPTION_HEADER_BYTES + x.ecsBytes
  if (x.cookieState > 0) bytes += OPTION_HEADER_BYTES + COOKIE_BYTES
  if (tellsKeepalive(x, settings)) bytes += KEEPALIVE_BYTES
  return bytes
}

function putOption(x: Exchange, code: number, length: number): void {
  x.view.setInt32(x.at, (code << 16) | length)
  x.at += OPTION_HEADER_BYTES
}

export function writeOpt(x: Exchange, settings: OptSettings): void {
  if (!x.edns) return
  const { view } = x
  const from = x.at
  // The root name and the type, then the size.
  view.setUint8(from, 0)
  view.setInt32(from + 1, (types.OPT << 16) | settings.udpPayloadBytes)
  // RFC 6891 section 6.1.3: the upper eight bits of the rcode, then our version, 0.
  // RFC 3225 section 3: DO is copied; every other flag is clear.
  view.setInt32(from + 5, ((x.rcode >> 4) << 24) | (x.dnssecOk ? 0x8000 : 0))
  x.at = from + OPT_FIXED_BYTES
  writeOptions(x, settings)
  view.setUint16(from + 9, x.at - from - OPT_FIXED_BYTES)
  x.counts[ADDITIONAL]!++
}

function writeOptions(x: Exchange, settings: OptSettings): void {
  const { out, view } = x
  if (tellsNsid(x, settings)) {
    // RFC 5001 section 2.1.
    putOption(x, ednsOptions.NSID, settings.nsid.length)
    for (let byte = 0; byte < settings.nsid.length; byte++) out[x.at++] = settings.nsid[byte]!
  }
  if (x.ecsBytes > 0) {
    // RFC 7871 section 7.2.1: family, source prefix and address as asked, and the scope.
    putOption(x, ednsOptions.CLIENT_SUBNET, x.ecsBytes)
    copyWords(x.ecs, 0, view, x.at, x.ecsBytes)
    if (x.scope > 0) view.setUint8(x.at + SCOPE_AT, x.scope)
    x.at += x.ecsBytes
  }
  if (x.cookieState > 0) {
    // RFC 7873 section 5.2.3: the client's cookie and ours.
    putOption(x, ednsOptions.COOKIE, COOKIE_BYTES)
    copyWords(x.cookie, 0, view, x.at, COOKIE_BYTES)
    x.at += COOKIE_BYTES
  }
  if (tellsKeepalive(x, settings)) {
    // RFC 7828 section 3.3.2.
    putOption(x, ednsOptions.TCP_KEEPALIVE, 2)
    view.setUint16(x.at, settings.keepaliveTenths)
    x.at += 2
  }
  if (x.ede !== NO_EDE) {
    // RFC 8914 section 2: INFO-CODE, without extra text.
    putOption(x, ednsOptions.EXTENDED_ERROR, 2)
    view.setUint16(x.at, x.ede)
    x.at += 2
  }
}
