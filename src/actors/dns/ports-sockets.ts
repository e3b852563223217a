/**
 * The UDP sockets of the native front, opened on the main thread and lent to the DNS threads.
 *
 * A descriptor belongs to the process: when the thread that reads it dies, the datagrams in its
 * queue wait for the thread that takes its place. Each thread has a receiver and a sender of its
 * own for each address; the kernel deals queries out to the receivers.
 * Without the addon nothing is opened, and one DNS thread opens sockets of node:dgram by itself.
 */
import { existsSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { formatEndpoint, parseAddress, parseEndpoint } from '../../core/net/address.ts'
import {
  countsOf,
  isReading,
  loadNative,
  type Native,
  slabMemory,
  slabOf,
} from '../../native/index.ts'
import type { LentSocket } from './contract.ts'
import { STRIDE } from './ports-native.ts'

export interface SocketWish {
  /** `dns.listen_address`. */
  readonly listenAddress: string
  /** 0 means as many as suit the machine. */
  readonly threads: number
  /** Datagrams a batch. */
  readonly batchSize: number
}

export interface LentSockets {
  /** The sockets of each DNS thread; one empty list where node:dgram is to serve. */
  readonly threads: readonly (readonly LentSocket[])[]
  /** What an operator should know of the path in use; empty when all is as it should be. */
  readonly notes: readonly string[]
  /** Where node:dgram is to serve, why: `EADDRINUSE` and the like, or `unsuitable`. */
  readonly fault?: string
  close(): void
}

interface SocketFault {
  /** `EADDRINUSE` and the like; `unsuitable` when node:dgram should serve instead. */
  readonly code: string
  readonly message: string
}

const WILDCARDS = ['0.0.0.0', '::']
/** With port 0 the port of the first socket may be taken for the others; so many are tried. */
const FREE_PORT_ATTEMPTS = 16

/**
 * Before Linux 5.3 the kernel hands queries to any socket of a shared address, also to a connected
 * one that nobody reads: there the receiver has to send as well.
 */
export function sendsApart(kernelRelease: string): boolean {
  const [major, minor] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10))
  return (major ?? 0) > 5 || (major === 5 && (minor ?? 0) >= 3)
}

/** One core is left to the other actors; each DNS thread past the cores would only add latency. */
export const threadsFor = (wish: number, cores: number): number =>
  wish > 0 ? wish : Math.min(Math.max(cores - 1, 1), limits.dnsThreads.default)

/** Descriptors of one address: a receiver for each thread, and senders where there can be any. */
interface Opened {
  readonly port: number
  readonly receivers: readonly number[]
  readonly senders: readonly number[]
}

/**
 * All receivers first, then all senders. Sockets bound in turns end up in several groups on some
 * kernels, of which one gets every query; on others a sender passes its share on to the receiver
 * behind it. Dealing out to the receivers by number suits both.
 */
function openAddress(
  native: Native,
  address: Uint8Array,
  port: number,
  threads: number,
): Result<Opened, number> {
  const bufferBytes = limits.udpReceiveBufferBytes.default
  const receivers: number[] = []
  const senders: number[] = []
  let at = port
  for (let thread = 0; thread < threads; thread++) {
    // The first takes the address exclusively; the others then share it with that one.
    const receiver = native.openReceiver(address, at, bufferBytes, thread === 0)
    if (receiver < 0) {
      for (const descriptor of receivers) native.closeDescriptor(descriptor)
      return fail(receiver)
    }
    receivers.push(receiver)
    at = native.boundPort(receiver)
  }
  // Where the kernel does not take the rule it goes by a hash of the addresses, which serves too.
  if (threads > 1) native.shareEvenly(receivers[0]!, threads)
  if (sendsApart(release())) {
    for (let thread = 0; thread < threads; thread++) {
      const sender = native.openSender(address, at, bufferBytes, false)
      if (sender >= 0) senders.push(sender)
    }
  }
  return ok({ port: at, receivers, senders })
}

function closeAll(native: Native, sockets: readonly LentSocket[]): void {
  for (const { receiver, sender } of sockets)
    for (const descriptor of new Set([receiver, sender])) native.closeDescriptor(descriptor)
}

/** The sockets of each thread; the port of the very first is used for all. */
function openThreads(
  native: Native,
  hosts: readonly string[],
  wishedPort: number,
  threads: number,
  batch: number,
): Result<LentSocket[][], SocketFault> {
  const all: LentSocket[][] = Array.from({ length: threads }, () => [])
  const refuse = (fault: SocketFault) => {
    closeAll(native, all.flat())
    return fail(fault)
  }
  let port = wishedPort
  for (const host of hosts) {
    const address = parseAddress(host)
    if (!address.ok) return refuse({ code: 'unsuitable', message: `${host} is not an IP address` })
    const opened = openAddress(native, address.value.bytes, port, threads)
    if (!opened.ok) {
      const code = getSystemErrorName(opened.error)
      // A machine without IPv6 serves IPv4 alone.
      if (code === 'EAFNOSUPPORT' && all[0]!.length > 0) continue
      return refuse({ code, message: `${code} ${host}:${port}` })
    }
    const { receivers, senders } = opened.value
    port = opened.value.port
    for (const [thread, sockets] of all.entries()) {
      const receiver = receivers[thread]!
      const sender = senders[thread] ?? receiver
      const wildcard = WILDCARDS.includes(host)
      const memory = slabMemory(batch, STRIDE)
      sockets.push({ host, port, receiver, sender, wildcard, batch, memory })
    }
  }
  return ok(all)
}

function openSockets(wish: SocketWish, cores: number): Result<LentSockets, SocketFault> {
  const native = loadNative()
  if (!native.ok) return fail({ code: 'unsuitable', message: native.error })
  const endpoint = parseEndpoint(wish.listenAddress)
  if (!endpoint.ok) return fail({ code: 'unsuitable', message: endpoint.error })
  const { host, port } = endpoint.value
  // Of a wildcard both families are meant, as TCP takes them.
  const hosts = hostsFor(host)
  const count = threadsFor(wish.threads, cores)
  for (let attempt = 1; ; attempt++) {
    const opened = openThreads(native.value, hosts, port, count, wish.batchSize)
    if (opened.ok) {
      const threads = opened.value
      const close = () => closeAll(native.value, threads.flat())
      return ok({ threads, notes: notesOn(native.value, threads, cores), close })
    }
    const { code } = opened.error
    if (port !== 0 || code !== 'EADDRINUSE' || attempt === FREE_PORT_ATTEMPTS) return opened
  }
}

function notesOn(native: Native, threads: LentSocket[][], cores: number): string[] {
  const notes: string[] = []
  if (threads.length > cores)
    notes.push(`${threads.length} DNS threads on ${cores} cores: answers wait for each other`)
  const wanted = limits.udpReceiveBufferBytes.default
  const granted = native.receiveBuffer(threads[0]![0]!.receiver)
  if (granted < wanted)
    notes.push(
      `the kernel grants a receive buffer of ${granted} bytes instead of ${wanted}, so bursts ` +
        'may be lost: raise net.core.rmem_max or give the process CAP_NET_ADMIN',
    )
  return notes
}

/**
 * Opens the sockets of `dns.listen_address`. Where the addon does not serve, one thread does, by
 * node:dgram; a fault of the address is met again there, and explained, unless it has gone since.
 */
export function lendSockets(wish: SocketWish): LentSockets {
  const opened = openSockets(wish, availableParallelism())
  if (opened.ok) return opened.value
  const { code, message } = opened.error
  const single = wish.threads > 1 ? ', with one thread instead of several' : ''
  const serves = code === 'unsuitable' ? 'answering with node:dgram' : 'trying node:dgram'
  const notes = [`${serves}${single}: ${message}`]
  return { threads: [[]], notes, fault: code, close: () => {} }
}

/** What the sockets of a thread have in place of a listen address: its hosts, and the port. */
const hostsFor = (host: string): readonly string[] =>
  host === '' || host === '::' ? WILDCARDS : [host]

/** Whether sockets are where the file wants them; `hasIpv6`: the machine has it. */
export function areAt(
  sockets: readonly LentSocket[],
  listenAddress: string,
  hasIpv6: boolean,
): boolean {
  const endpoint = parseEndpoint(listenAddress)
  if (!endpoint.ok || sockets[0]?.port !== endpoint.value.port) return false
  const wanted = hostsFor(endpoint.value.host).filter((host) => hasIpv6 || !host.includes(':'))
  return wanted.join() === sockets.map(({ host }) => host).join()
}

/** Where sockets are: in the words of the file if it names that place. */
export function addressOf(sockets: readonly LentSocket[], listenAddress: string): string {
  if (areAt(sockets, listenAddress, existsSync('/proc/net/if_inet6'))) return listenAddress
  const [{ host, port } = { host: '', port: 0 }] = sockets
  return formatEndpoint(sockets.length > 1 ? '' : host, port)
}

/** What the file wants otherwise than inherited sockets are, which waits for a real start. */
export function movedFrom(threads: readonly (readonly LentSocket[])[], wish: SocketWish): string[] {
  const { listenAddress } = wish
  const notes: string[] = []
  if (addressOf(threads[0]!, listenAddress) !== listenAddress)
    notes.push(
      `dns.listen_address ${listenAddress} needs a restart; the sockets stay where they are`,
    )
  const count = threadsFor(wish.threads, availableParallelism())
  if (count !== threads.length)
    notes.push(`dns.threads: ${count} need a restart; there are ${threads.length} as before`)
  return notes
}

/** How many connections may wait to be accepted. */
const BACKLOG = 1_024

/**
 * Listens for TCP where the sockets are, so that what waits to be accepted outlives a thread and a
 * process; undefined where a thread had better open it, and explain what stands in its way.
 */
export function lendListener(sockets: readonly LentSocket[]): number | undefined {
  const [first] = sockets
  const native = loadNative()
  if (first === undefined || !native.ok) return undefined
  // One socket of each family was lent for a wildcard; one TCP socket takes both.
  const isBoth = sockets.length > 1
  const address = parseAddress(isBoth ? '::' : first.host)
  if (!address.ok) return undefined
  const bothFamilies = isBoth || first.host === '::'
  const fd = native.value.openListener(address.value.bytes, first.port, BACKLOG, bothFamilies)
  return fd < 0 ? undefined : fd
}

/** Whether every socket is read: its queries are answered here. */
export const areServed = (threads: readonly (readonly LentSocket[])[]): boolean =>
  threads.flat().every(({ batch, memory }) => isReading(slabOf(batch, STRIDE, memory)))

/** Queries that were read from the sockets, over all threads. */
export const queriesRead = (threads: readonly (readonly LentSocket[])[]): number =>
  threads
    .flat()
    .reduce((sum, { batch, memory }) => sum + countsOf(slabOf(batch, STRIDE, memory)).received, 0)

/** Closes what was lent; where another process holds it too, nothing changes for that one. */
export function closeLent(
  threads: readonly (readonly LentSocket[])[],
  listener: number | undefined,
): void {
  const native = loadNative()
  if (!native.ok) return
  closeAll(native.value, threads.flat())
  if (listener !== undefined) native.value.closeDescriptor(listener)
}

const SERVED_LOOK_MS = 5

/** Resolves with true once every socket is read; false when that is hopeless or not so in time. */
export async function untilServed(
  threads: readonly (readonly LentSocket[])[],
  isHopeless: () => boolean = () => false,
  withinMs: number = limits.handoverServingMs.default,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  while (!areServed(threads)) {
    if (performance.now() > deadlineMs || isHopeless()) return false
    await new Promise((resolve) => setTimeout(resolve, SERVED_LOOK_MS))
  }
  return true
}
