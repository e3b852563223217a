/**
 * The servers of a parent zone, asked for the DS of a zone of ours: over UDP, and over TCP when the
 * answer does not fit. Bounded in time, servers and octets; a fault is an answer that is not there.
 */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { connect, isIPv6 } from 'node:net'
import { limits } from '../../core/base/limits.ts'
import { nameToWire, parentName } from '../../core/dns/names.ts'
import { types } from '../../core/dns/types.ts'
import type { ServerAnswer } from '../../core/dnssec/parent/look.ts'
import {
  type Question,
  type Reply,
  questionBytes,
  readReply,
  withDrawnCase,
} from '../../core/dnssec/parent/message.ts'

/** An address and a port. */
export interface Place {
  readonly host: string
  readonly port: number
}

export interface ParentSettings {
  /** Servers of the parent, when they are named; else they are looked up. */
  readonly servers: readonly Place[]
  /** Resolvers to look them up with; those of the system when there are none. */
  readonly resolvers: readonly Place[]
}

const DNS_PORT = 53
const LABELS_UP_MAX = 8
const ADDRESSES_PER_NAME_MAX = 2

function question(name: string, type: number, isRecursionDesired: boolean): Question | undefined {
  const wire = nameToWire(name)
  if (!wire.ok) return undefined
  const bits = new Uint8Array(randomBytes(34))
  const id = (bits[0]! << 8) | bits[1]!
  return { id, name: withDrawnCase(wire.value, bits.subarray(2)), type, isRecursionDesired }
}

function overUdp(asked: Question, place: Place, waitMs: number): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(place.host) ? 'udp6' : 'udp4')
    const end = (reply?: Reply) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      // A late error of a closed socket has nobody to tell.
      socket.on('error', () => undefined)
      socket.close()
      resolve(reply)
    }
    const timer = setTimeout(end, waitMs)
    socket.on('error', () => end())
    socket.on('message', (bytes) => {
      const reply = readReply(new Uint8Array(bytes), asked)
      if (reply.ok) end(reply.value)
      else if (reply.error === 'malformed') end()
    })
    // Connected, so that the system drops what comes from elsewhere. Where there is no way to it,
    // node gives the fault to the callback, which its types do not tell.
    const connected = (fault?: Error) => {
      if (fault !== undefined) return end()
      socket.send(questionBytes(asked), (error) => {
        if (error) end()
      })
    }
    socket.connect(place.port, place.host, connected)
  })
}

function overTcp(asked: Question, place: Place, waitMs: number): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: place.host, port: place.port })
    let held = new Uint8Array(0)
    const end = (reply?: Reply) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(reply)
    }
    const timer = setTimeout(end, waitMs)
    socket.on('error', () => end())
    socket.on('close', () => end())
    socket.once('connect', () => {
      const bytes = questionBytes(asked)
      socket.write(new Uint8Array([bytes.length >> 8, bytes.length & 0xff, ...bytes]))
    })
    socket.on('data', (bytes) => {
      const joined = new Uint8Array(held.length + bytes.length)
      joined.set(held)
      joined.set(bytes, held.length)
      held = joined
      if (held.length < 2) return
      const length = (held[0]! << 8) | held[1]!
      if (length > limits.parentAnswerBytes.default || held.length > length + 2) return end()
      if (held.length < length + 2) return
      const reply = readReply(held.subarray(2), asked)
      end(reply.ok ? reply.value : undefined)
    })
  })
}

async function ask(
  name: string,
  type: number,
  place: Place,
  isRecursionDesired: boolean,
): Promise<Reply | undefined> {
  const waitMs = limits.parentAskMs.default
  const asked = question(name, type, isRecursionDesired)
  if (asked === undefined) return undefined
  const reply = await overUdp(asked, place, waitMs)
  return reply?.isCut ? overTcp(asked, place, waitMs) : reply
}

/** The first resolver that answers. */
async function resolved(name: string, type: number, resolvers: readonly Place[]) {
  for (const place of resolvers.slice(0, 3)) {
    const reply = await ask(name, type, place, true)
    if (reply !== undefined && (reply.rcode === 0 || reply.rcode === 3)) return reply
  }
  return undefined
}

const addressText = (type: number, rdata: Uint8Array): string | undefined => {
  if (type === types.A && rdata.length === 4) return rdata.join('.')
  if (type !== types.AAAA || rdata.length !== 16) return undefined
  const words = Array.from({ length: 8 }, (_, at) => (rdata[2 * at]! << 8) | rdata[2 * at + 1]!)
  return words.map((word) => word.toString(16)).join(':')
}

async function addressesOf(name: string, resolvers: readonly Place[]): Promise<readonly Place[]> {
  const replies = await Promise.all(
    [types.A, types.AAAA].map((type) => resolved(name, type, resolvers)),
  )
  return replies
    .flatMap((reply) => (reply?.answers ?? []).map(({ type, rdata }) => addressText(type, rdata)))
    .filter((host) => host !== undefined)
    .slice(0, ADDRESSES_PER_NAME_MAX)
    .map((host) => ({ host, port: DNS_PORT }))
}

/** Of the servers in their order. One past the limit is not heard: the look is not complete. */
const isAsked = (index: number): boolean => index < limits.parentServers.default

interface NamedPlace {
  readonly server: string
  readonly place: Place | undefined
}

/** The servers of the zone above, found by its NS records. */
async function serversAbove(zone: string, resolvers: readonly Place[]): Promise<NamedPlace[]> {
  let above = parentName(zone)
  for (let up = 0; above !== undefined && up < LABELS_UP_MAX; up++) {
    const at: string = above
    const reply = await resolved(at, types.NS, resolvers)
    if (reply === undefined) return []
    const names = reply.answers
      .filter((record) => record.type === types.NS && record.owner === at)
      .map((record) => record.name)
      .filter((name) => name !== undefined)
      .sort()
    if (names.length > 0) {
      const found = await Promise.all(
        names.map(async (server, index): Promise<NamedPlace[]> => {
          const places = isAsked(index) ? await addressesOf(server, resolvers) : []
          // A server without an address was not heard, so the look is not complete.
          if (places.length === 0) return [{ server, place: undefined }]
          return places.map((place) => ({ server, place }))
        }),
      )
      return found.flat()
    }
    above = parentName(at)
  }
  return []
}

/** `[host]:port`, `host:port` or a host alone, as `getServers` of node writes them. */
export function placeOf(text: string): Place {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  const plain = /^([^:]+):(\d+)$/.exec(text)
  const [, host, port] = bracketed ?? plain ?? ['', text, undefined]
  return { host: host ?? text, port: port === undefined ? DNS_PORT : Number(port) }
}

const nameOfPlace = ({ host, port }: Place): string => `${host}:${port}`

/** What each server of the parent of the zone says of its DS; [] when no server is known. */
export async function askParent(
  zone: string,
  { servers, resolvers }: ParentSettings,
): Promise<readonly ServerAnswer[]> {
  const known = resolvers.length > 0 ? resolvers : getServers().map(placeOf)
  const named =
    servers.length > 0
      ? servers.map((place, index): NamedPlace => {
          const server = nameOfPlace(place)
          return { server, place: isAsked(index) ? place : undefined }
        })
      : await serversAbove(zone, known)
  return Promise.all(
    named.map(async ({ server, place }) => {
      const reply = place === undefined ? undefined : await ask(zone, types.DS, place, false)
      return reply === undefined ? { server } : { server, reply }
    }),
  )
}
