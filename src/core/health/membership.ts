/**
 * What a row remembers of a server beside its health: how it was declared, and where it stood.
 *
 * A registry that starts knows the configuration of now and not the one before. From this it knows
 * which servers served each pool when it was last heard of, so that the guard-rail holds through a
 * restart what it would hold through a reload. It is read as untrusted data; one that does not fit
 * (a later version may have written it) is left out, and costs nothing but that hold.
 */
import { limits } from '../base/limits.ts'
import { parseAddress } from '../net/address.ts'
import type { CheckSpec, MemberSpec, PoolSpec } from '../steer/topology.ts'
import type { FormerMember, FormerPool } from './holds.ts'
import type { Judgement } from './precedence.ts'
import type { ServerRow } from './rows.ts'

/** A server's place in a pool. */
export interface Seat {
  readonly pool: string
  /** Its number in the order of the pool, from 0. */
  readonly place: number
  /** It served when the pool last had a server to serve. */
  readonly lastHealthy: boolean
  /** The guard-rail kept it there. */
  readonly guest: boolean
  /** Of the answers of the pool, seconds; absent in rows of former versions. */
  readonly ttlSeconds?: number
}

export interface Membership {
  /** As the pool had it: a guest with the weight it is kept with. */
  readonly member: MemberSpec
  readonly seats: readonly Seat[]
}

type Untrusted = Readonly<Record<string, unknown>>
type Test = (value: unknown) => boolean

const isObject = (value: unknown): value is Untrusted =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isBoolean: Test = (value) => typeof value === 'boolean'
const isText: Test = (value) =>
  typeof value === 'string' && value.length <= limits.stateRowBytesMax.default
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isAtLeastOne: Test = (value) => isCount(value) && value !== 0
const isOneOf =
  (...words: readonly unknown[]): Test =>
  (value) =>
    words.includes(value)
const isRange: Test = (value) => Array.isArray(value) && value.length === 2 && value.every(isCount)

const CHECK: Readonly<Record<keyof CheckSpec, Test>> = {
  type: isOneOf('http', 'https', 'tcp'),
  intervalMs: isAtLeastOne,
  timeoutMs: isAtLeastOne,
  path: isText,
  host: isText,
  serverName: isText,
  expectedStatus: (value) => Array.isArray(value) && value.every(isRange),
  bodyMatch: isText,
  verifyCertificate: isBoolean,
  certificateWarnDays: isCount,
  failureThreshold: isAtLeastOne,
  successThreshold: isAtLeastOne,
}

const MEMBER: Readonly<Record<keyof MemberSpec, Test>> = {
  key: isText,
  service: isText,
  address: isText,
  family: isOneOf(4, 6),
  port: (value) => isAtLeastOne(value) && (value as number) <= 65_535,
  region: isText,
  weight: isCount,
  source: isOneOf('static', 'agent', 'api'),
  check: isObject,
}

const SEAT: Readonly<Record<Exclude<keyof Seat, 'ttlSeconds'>, Test>> = {
  pool: isText,
  place: isCount,
  lastHealthy: isBoolean,
  guest: isBoolean,
}
/** RFC 2181 section 8: the highest bit of a TTL is 0. */
const isTtl: Test = (value) => isCount(value) && (value as number) < 2 ** 31

/** The fields that a table names, and no others; undefined when one is not as it should be. */
function fieldsOf(value: unknown, tests: Readonly<Record<string, Test>>): Untrusted | undefined {
  if (!isObject(value)) return
  const fields: Record<string, unknown> = {}
  for (const name in tests) {
    if (!tests[name]!(value[name])) return
    fields[name] = value[name]
  }
  return fields
}

function memberOf(value: unknown): MemberSpec | undefined {
  const fields = fieldsOf(value, MEMBER)
  const check = fieldsOf(fields?.['check'], CHECK)
  if (fields === undefined || check === undefined) return
  // Each field was looked at just now.
  const member = { ...fields, check } as unknown as MemberSpec
  const address = parseAddress(member.address)
  if (!address.ok || address.value.family !== member.family) return
  return address.value.text === member.address ? member : undefined
}

/** Reads what `membershipOf` made; undefined when it is something else. */
export function parseMembership(value: unknown): Membership | undefined {
  if (!isObject(value)) return
  const member = memberOf(value['member'])
  const seats = value['seats']
  if (member === undefined || !Array.isArray(seats)) return
  if (seats.length > limits.rowSeatsMax.default) return
  const read = seats.map((seat: unknown) => {
    const fields = fieldsOf(seat, SEAT)
    const ttlSeconds = isObject(seat) ? seat['ttlSeconds'] : undefined
    return fields !== undefined && isTtl(ttlSeconds) ? { ...fields, ttlSeconds } : fields
  })
  if (read.some((seat) => seat === undefined)) return
  return { member, seats: read as unknown as readonly Seat[] }
}

/** Whether it served last in this pool; an old row knows only that it did in some pool. */
export function wasLastHealthy(row: ServerRow | undefined, pool: string): boolean {
  if (row?.membership === undefined) return row?.lastHealthy ?? false
  return row.membership.seats.some((seat) => seat.pool === pool && seat.lastHealthy)
}

/** The longest TTL of answers with the server, seconds; 0 where none is known. */
export const storedTtl = ({ membership }: ServerRow): number =>
  Math.max(0, ...(membership?.seats ?? []).map(({ ttlSeconds }) => ttlSeconds ?? 0))

/** The rows of servers that stood in some pool, by its name, in the order they had there. */
export function seatsByPool(
  rows: ReadonlyMap<string, ServerRow>,
): ReadonlyMap<string, readonly Membership[]> {
  const pools = new Map<string, { place: number; membership: Membership }[]>()
  for (const [key, { membership }] of rows) {
    if (membership?.member.key !== key) continue
    for (const { pool, place } of membership.seats) {
      const list = pools.get(pool)
      if (list === undefined) pools.set(pool, [{ place, membership }])
      else list.push({ place, membership })
    }
  }
  for (const list of pools.values()) list.sort((one, other) => one.place - other.place)
  return new Map([...pools].map(([pool, list]) => [pool, list.map((one) => one.membership)]))
}

/**
 * The pool as it was before the start.
 * @param judgementOf of every server among the members
 */
export function formerOf(
  { name }: PoolSpec,
  members: readonly Membership[],
  judgementOf: (key: string) => Judgement,
): FormerPool {
  const served = { 4: 0, 6: 0 }
  const former: FormerMember[] = []
  for (const { member, seats } of members) {
    const seat = seats.find((one) => one.pool === name)
    const isUp = judgementOf(member.key).serving && member.weight > 0
    const serving = isUp && seat?.lastHealthy === true
    if (serving) served[member.family]++
    former.push({ member, serving, guest: seat?.guest === true })
  }
  return { members: former, served }
}
