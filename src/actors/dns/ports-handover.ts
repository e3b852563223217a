/**
 * How a process takes the place of another without a query being lost.
 *
 * The running process listens on `handover.sock` in its data directory. A successor connects and is
 * given the descriptors of the UDP sockets and of the TCP listener (SCM_RIGHTS, unix(7)): from then
 * on both processes hold the same queues, and what either reads it answers. The successor asks the
 * other to let go of everything but answering, loads the state from the data directory, answers,
 * and says so; only then does the other one end. Whatever goes wrong before that word, the running
 * process takes back what it let go of and goes on.
 *
 * The folder is open to the program's user alone, and the kernel's word for the user of the other
 * end must be the same user, or root: descriptors and the cookie secret go to nobody else.
 */
import { rmSync } from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import { join } from 'node:path'
import { getSystemErrorName } from 'node:util'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { loadNative, type Native, slabMemory } from '../../native/index.ts'
import type { LentSocket } from './contract.ts'
import {
  decodeHeader,
  descriptorsOf,
  encodeHeader,
  type GivenSocket,
  type Header,
  Words,
} from './ports-handover-wire.ts'
import { STRIDE } from './ports-native.ts'

const socketPath = (dataDir: string) => join(dataDir, 'handover.sock')

/** What the running process gives away. */
export interface Gift {
  readonly threads: readonly (readonly LentSocket[])[]
  readonly listener: number | undefined
  readonly cookieSecret: Uint8Array
}

/** What the running process does when a successor asks. */
export interface Giver {
  /** Stops all but answering and lets go of the data directory; rejects if that fails. */
  release(): Promise<void>
  /** Takes it back and starts all again: the successor is gone. */
  resume(): Promise<void>
  /** A successor, by its process id, answers: this process is to end. */
  leave(successor: number): void
}

interface Peer {
  readonly user: number
  readonly process: number
}

function peerOf(native: Native, descriptor: number): Result<Peer, string> {
  const words = new Uint32Array(2)
  const done = native.peerOf(descriptor, words)
  if (done < 0) return fail(getSystemErrorName(done))
  const [user, process] = [words[0]!, words[1]!]
  return ok({ user, process })
}

/** The user this process acts as, or root, who may do anything anyway. */
const mayTake = ({ user }: Peer): boolean => user === 0 || user === process.geteuid?.()

function headerOf(native: Native, { threads, listener, cookieSecret }: Gift): Header {
  const given = ({ host, port, wildcard, receiver, sender }: LentSocket) => ({
    ...{ host, port, wildcard },
    apart: sender !== receiver,
    drops: Math.max(native.dropped(receiver), 0),
  })
  return {
    threads: threads.map((sockets) => sockets.map(given)),
    listener: listener !== undefined,
    cookieSecret: Buffer.from(cookieSecret).toString('hex'),
  }
}

/** Sends the sockets to whoever is on the other end. */
function give(native: Native, descriptor: number, gift: Gift): Result<undefined, string> {
  const descriptors = gift.threads
    .flat()
    .flatMap(({ receiver, sender }) => (sender === receiver ? [receiver] : [receiver, sender]))
  if (gift.listener !== undefined) descriptors.push(gift.listener)
  const header = encodeHeader(headerOf(native, gift))
  const fits =
    header.length <= limits.handoverHeaderBytes.default &&
    descriptors.length <= limits.handoverDescriptors.default
  if (!fits) return fail('more sockets than one message takes')
  const done = native.sendDescriptors(descriptor, header, Uint32Array.from(descriptors))
  return done < 0 ? fail(getSystemErrorName(done)) : ok(undefined)
}

/** The descriptor of a connection, which node:net keeps to itself. */
const descriptorOf = (socket: Socket): number =>
  (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd ?? -1

/** Ends the process on the other end, which is stuck. */
function endStuck(id: number): void {
  try {
    process.kill(id, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

async function converse(words: Words, giver: Giver, successor: number): Promise<void> {
  if ((await words.next(limits.handoverServingMs.default)) !== 'release') return words.close()
  try {
    await giver.release()
    words.say('released')
    if ((await words.next(limits.handoverServingMs.default)) === 'serving') {
      giver.leave(successor)
      return
    }
    // It holds the data directory, and reads queries that it does not answer.
    if (!words.isClosed && successor > 1) endStuck(successor)
  } catch {
    // Told by `resume`, which comes next.
  }
  words.close()
  await giver.resume()
}

/**
 * Waits for a successor; one at a time. Without the addon nobody can be given anything.
 * @param note is told of whoever was turned away, in one sentence
 */
export async function offerSockets(
  dataDir: string,
  gift: Gift,
  giver: Giver,
  note: (sentence: string) => void,
): Promise<() => void> {
  const native = loadNative()
  const isPossible = native.ok && dataDir !== '' && gift.threads.flat().length > 0
  if (!isPossible) return () => {}
  const path = socketPath(dataDir)
  // The data directory is ours: a socket in it was left by a process that was killed.
  rmSync(path, { force: true })
  let busy = false
  const server: Server = createServer((socket) => {
    const descriptor = descriptorOf(socket)
    const peer = peerOf(native.value, descriptor)
    const turnAway = (why: string) => {
      note(`a process that wanted to take over was turned away: ${why}`)
      socket.destroy()
    }
    if (!peer.ok) return turnAway(peer.error)
    if (!mayTake(peer.value)) return turnAway(`it belongs to user ${peer.value.user}`)
    if (busy) return turnAway('another one is taking over')
    const given = give(native.value, descriptor, gift)
    if (!given.ok) return turnAway(given.error)
    busy = true
    void converse(new Words(socket), giver, peer.value.process).finally(() => {
      busy = false
    })
  })
  server.on('error', (error) => note(`no successor can take over: ${error.message}`))
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve())
    server.listen({ path, exclusive: true }, () => resolve())
  })
  // A process that has nothing else to do must be able to end.
  server.unref()
  return () => void server.close()
}

/** What a successor was given. */
export interface Inherited {
  readonly threads: readonly (readonly LentSocket[])[]
  readonly listener: number | undefined
  readonly cookieSecret: Uint8Array
  /** The process before this one. */
  readonly process: number
  /** False when the other process does not let go of the data directory. */
  release(): Promise<boolean>
  /** Says that this process answers, and waits until the other one is gone. */
  serving(): Promise<void>
  /** Gives up: the other process takes back what it let go of. The sockets stay open here. */
  giveUp(): void
}

function lentOf(
  header: Header,
  batch: number,
  descriptors: readonly number[],
): Pick<Inherited, 'threads' | 'listener'> {
  let at = 0
  const lend = ({ host, port, wildcard, apart, drops }: GivenSocket): LentSocket => {
    const memory = slabMemory(batch, STRIDE)
    const receiver = descriptors[at++]!
    const sender = apart ? descriptors[at++]! : receiver
    return { host, port, receiver, sender, wildcard, batch, memory, drops }
  }
  const threads = header.threads.map((sockets) => sockets.map(lend))
  return { threads, listener: header.listener ? descriptors[at] : undefined }
}

/**
 * Asks the process that holds the data directory for its sockets.
 * @returns undefined when nobody listens there; an error is one sentence
 */
export function takeSockets(dataDir: string, batch: number): Result<Inherited | undefined, string> {
  const native = loadNative()
  if (!native.ok) return fail(`needs the native addon: ${native.error}`)
  if (dataDir === '') return fail('needs overwatch.data_dir, where the two meet')
  const { connectStream, receiveDescriptors, closeDescriptor } = native.value
  const stream = connectStream(socketPath(dataDir), limits.handoverAskMs.default)
  if (stream < 0) {
    const code = getSystemErrorName(stream)
    const isNobody = code === 'ENOENT' || code === 'ECONNREFUSED'
    return isNobody ? ok(undefined) : fail(`${socketPath(dataDir)}: ${code}`)
  }
  const give = (why: string) => {
    closeDescriptor(stream)
    return fail(why)
  }
  const peer = peerOf(native.value, stream)
  if (!peer.ok) return give(peer.error)
  if (!mayTake(peer.value)) return give(`the running process belongs to user ${peer.value.user}`)
  const into = new Uint8Array(limits.handoverHeaderBytes.default)
  const descriptors = new Uint32Array(1 + limits.handoverDescriptors.default)
  const received = receiveDescriptors(stream, into, descriptors)
  if (received <= 0) return give(received < 0 ? getSystemErrorName(received) : 'it hung up')
  const taken = [...descriptors.subarray(1, 1 + descriptors[0]!)]
  const header = decodeHeader(into.subarray(0, received))
  if (!header.ok || descriptorsOf(header.value) !== taken.length) {
    for (const descriptor of taken) closeDescriptor(descriptor)
    return give(header.ok ? 'descriptors are missing' : header.error)
  }
  return ok({
    ...lentOf(header.value, batch, taken),
    cookieSecret: Uint8Array.from(Buffer.from(header.value.cookieSecret, 'hex')),
    process: peer.value.process,
    ...successorOf(new Words(new Socket({ fd: stream })), peer.value.process),
  })
}

function successorOf(
  words: Words,
  predecessor: number,
): Pick<Inherited, 'release' | 'serving' | 'giveUp'> {
  return {
    giveUp: () => words.close(),
    release: async () => {
      words.say('release')
      return (await words.next(limits.handoverReleaseMs.default)) === 'released'
    },
    serving: async () => {
      words.say('serving')
      if (await words.gone(limits.handoverLeaveMs.default)) return
      // What it answers grows old.
      endStuck(predecessor)
    },
  }
}
