/** Rows of a TCP table, as the addon writes them, from plain figures. */
import {
  LOCAL_AT,
  LOCAL_PORT_AT,
  littleEndian,
  REMOTE_AT,
  REMOTE_PORT_AT,
  TCP_ROW_BYTES,
  TcpRows,
  tcpStates,
} from '../../src/core/health/clients-rows.ts'
import { addressOf, parseAddress } from '../../src/core/net/address.ts'

export interface RowSpec {
  readonly cookie: number
  readonly remote?: string
  readonly local?: string
  readonly port?: number
  readonly remotePort?: number
  readonly state?: keyof typeof tcpStates
  /** False: the kernel gave no TCP_INFO. */
  readonly info?: boolean
  readonly rttUs?: number
  readonly minRttUs?: number
  readonly segments?: number
  readonly acked?: number
}

function bytesOf(text: string): Uint8Array {
  const parsed = parseAddress(text)
  return parsed.ok ? parsed.value.bytes : addressOf(new Uint8Array(4)).bytes
}

export function tcpRows(specs: readonly RowSpec[]): TcpRows {
  const bytes = new Uint8Array(specs.length * TCP_ROW_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [index, spec] of specs.entries()) {
    const at = index * TCP_ROW_BYTES
    const remote = bytesOf(spec.remote ?? '192.0.2.7')
    bytes[at] = remote.length === 4 ? 4 : 6
    bytes[at + 1] = tcpStates[spec.state ?? 'established']
    view.setUint16(at + LOCAL_PORT_AT, spec.port ?? 80, littleEndian)
    view.setUint16(at + REMOTE_PORT_AT, spec.remotePort ?? 40_000, littleEndian)
    view.setUint16(at + 6, spec.info === false ? 0 : 1, littleEndian)
    bytes.set(
      bytesOf(spec.local ?? (remote.length === 4 ? '198.51.100.1' : '2001:db8::1')),
      at + LOCAL_AT,
    )
    bytes.set(remote, at + REMOTE_AT)
    view.setUint32(at + 40, spec.rttUs ?? 20_000, littleEndian)
    view.setUint32(at + 48, spec.minRttUs ?? 10_000, littleEndian)
    view.setUint32(at + 56, spec.segments ?? 0, littleEndian)
    view.setBigUint64(at + 64, BigInt(spec.acked ?? 0), littleEndian)
    view.setBigUint64(at + 80, BigInt(spec.cookie), littleEndian)
  }
  return new TcpRows(bytes, specs.length)
}
