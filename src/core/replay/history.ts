/**
 * What held at a past moment: a checkpoint of all pools and words, and the words changed since.
 *
 * The registry writes both as it publishes them; folding the records of one stretch up to a moment
 * gives what every DNS thread was told by then. Records are read from a disk, so they are checked.
 */
import { isPolicyNode } from '../steer/policy-tree.ts'
import type { ServingPool } from '../steer/snapshot.ts'

/** All of it, at the start of each stretch. */
export interface Checkpoint {
  readonly kind: 'checkpoint'
  readonly atMs: number
  readonly epoch: number
  readonly version: number
  /** Names the configuration in force: SHA-256 of its text without secrets; empty if not kept. */
  readonly configHash: string
  readonly pools: readonly ServingPool[]
  /** words[pool][member] */
  readonly words: readonly (readonly number[])[]
}

/** One word changed. Names outlive the numbers of an epoch. */
export interface WordRecord {
  readonly kind: 'word'
  readonly atMs: number
  readonly epoch: number
  readonly version: number
  /** Name of the pool and key of the server. */
  readonly pool: string
  readonly server: string
  readonly word: number
}

export type HistoryRecord = Checkpoint | WordRecord

export interface PastServing extends Omit<Checkpoint, 'kind'> {
  /** The configuration of then, where it was kept: text without secrets. */
  readonly configuration?: string
}

type Untrusted = Readonly<Record<string, unknown>>

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
const isText = (value: unknown): value is string => typeof value === 'string'

function isPool(value: unknown): value is ServingPool {
  if (typeof value !== 'object' || value === null) return false
  const {
    name,
    zone,
    ttlSeconds,
    policy,
    answers,
    whenAllDown,
    fallback,
    slot,
    members,
    tree,
    sticky,
  } = value as Untrusted
  return (
    [name, zone, policy, whenAllDown].every(isText) &&
    [ttlSeconds, answers, slot].every(isNumber) &&
    Array.isArray(fallback) &&
    fallback.every(isText) &&
    Array.isArray(members) &&
    members.every(isMember) &&
    (tree === undefined ? policy !== 'composed' : isPolicyNode(tree)) &&
    (sticky === undefined || isSticky(sticky))
  )
}

function isSticky(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { bits4, bits6, balance } = value as Untrusted
  const isBits = (bits: unknown, most: number) => isNumber(bits) && bits >= 1 && bits <= most
  return isBits(bits4, 32) && isBits(bits6, 128) && isNumber(balance)
}

function isMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { key, address, port, region, weight } = value as Untrusted
  return [key, address, region].every(isText) && [port, weight].every(isNumber)
}

export const isPools = (value: unknown): value is readonly ServingPool[] =>
  Array.isArray(value) && value.every(isPool)

export const isWords = (value: unknown): value is readonly (readonly number[])[] =>
  Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every(isNumber))

/** Reads a record from untrusted data; undefined when it is none. */
export function parseHistory(value: unknown): HistoryRecord | undefined {
  if (typeof value !== 'object' || value === null) return
  const { kind, atMs, epoch, version, ...rest } = value as Untrusted
  if (!isNumber(atMs) || !isNumber(epoch) || !isNumber(version)) return
  if (kind === 'word') {
    const { pool, server, word } = rest
    if (!isText(pool) || !isText(server) || !isNumber(word)) return
    return { kind, atMs, epoch, version, pool, server, word }
  }
  const { configHash, pools, words } = rest
  if (kind !== 'checkpoint' || !isText(configHash) || !isPools(pools) || !isWords(words)) return
  if (words.length !== pools.length) return
  return { kind, atMs, epoch, version, configHash, pools, words }
}

/**
 * Folds records, oldest first, up to and with `atMs`; undefined when none of them is a checkpoint
 * of by then.
 */
export function foldHistory(
  records: Iterable<HistoryRecord>,
  atMs: number,
): PastServing | undefined {
  let past: PastServing | undefined
  let words: number[][] = []
  let places = new Map<string, readonly [number, number]>()
  let version = 0
  let lastMs = 0
  for (const record of records) {
    if (record.atMs > atMs) break
    if (record.kind === 'checkpoint') {
      const { kind: _, ...held } = record
      past = held
      words = record.words.map((row) => [...row])
      places = placesOf(record.pools)
    } else {
      const place = places.get(`${record.pool} ${record.server}`)
      if (place === undefined || record.epoch !== past?.epoch) continue
      words[place[0]]![place[1]] = record.word
    }
    version = record.version
    lastMs = record.atMs
  }
  return past === undefined ? undefined : { ...past, words, version, atMs: lastMs }
}

function placesOf(pools: readonly ServingPool[]): Map<string, readonly [number, number]> {
  const places = new Map<string, readonly [number, number]>()
  for (const [pool, { name, members }] of pools.entries())
    for (const [member, { key }] of members.entries()) places.set(`${name} ${key}`, [pool, member])
  return places
}
