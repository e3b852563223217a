/**
 * The UDP sockets of the native front, opened on the main thread and lent to a DNS thread.
 *
 * A descriptor belongs to the process: when the thread that reads it dies, the datagrams in its
 * queue wait for the thread that takes its place. Without the addon nothing is opened, and the DNS
 * thread opens sockets of node:dgram by itself.
 */
import { getSystemErrorName } from 'node:util'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import { loadNative, type Native } from '../../native/index.ts'
import type { LentSocket } from './contract.ts'

export interface LentSockets {
  readonly sockets: readonly LentSocket[]
  close(): void
}

export interface SocketFault {
  /** `EADDRINUSE` and the like; `unsuitable` when node:dgram should serve instead. */
  readonly code: string
  readonly message: string
}

const WILDCARDS = ['0.0.0.0', '::']

function openOne(native: Native, host: string, port: number): Result<LentSocket, SocketFault> {
  const address = parseAddress(host)
  if (!address.ok) return fail({ code: 'unsuitable', message: `${host} is not an IP address` })
  const { bytes } = address.value
  const buffer = limits.udpReceiveBufferBytes.default
  const faultOf = (errno: number): Result<never, SocketFault> => {
    const code = getSystemErrorName(errno)
    return fail({ code, message: `${code} ${host}:${port}` })
  }
  const receiver = native.openReceiver(bytes, port, buffer)
  if (receiver < 0) return faultOf(receiver)
  const wildcard = WILDCARDS.includes(host)
  const bound = native.boundPort(receiver)
  const sender = wildcard ? receiver : native.openSender(bytes, bound, buffer)
  if (sender >= 0) return ok({ host, port: bound, receiver, sender, wildcard })
  native.closeDescriptor(receiver)
  return faultOf(sender)
}

/**
 * Opens the UDP sockets of `dns.listen_address`. The port of the first is used for all, so that
 * port 0 means one free port. A machine without IPv6 serves IPv4 alone.
 */
export function openSockets(listenAddress: string): Result<LentSockets, SocketFault> {
  const native = loadNative()
  if (!native.ok) return fail({ code: 'unsuitable', message: native.error })
  const endpoint = parseEndpoint(listenAddress)
  if (!endpoint.ok) return fail({ code: 'unsuitable', message: endpoint.error })
  const { host } = endpoint.value
  const sockets: LentSocket[] = []
  const close = () => {
    for (const { receiver, sender } of sockets)
      for (const descriptor of new Set([receiver, sender])) native.value.closeDescriptor(descriptor)
  }
  for (const one of host === '' ? WILDCARDS : [host]) {
    const opened = openOne(native.value, one, sockets[0]?.port ?? endpoint.value.port)
    if (opened.ok) sockets.push(opened.value)
    else if (sockets.length === 0 || opened.error.code !== 'EAFNOSUPPORT') {
      close()
      return opened
    }
  }
  return ok({ sockets, close })
}
