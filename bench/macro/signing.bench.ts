/**
 * What it takes to sign a topology: 10,000 steered names of four servers each, on one thread, every
 * signature examined; then again with nothing changed, and with one name changed.
 *
 * And in a zone of a hundred such names a thousand changes of one answer set, each from the change
 * to the reply that has the new address and its signature; the peer of that is the goal, 20 ms. The
 * zone is served before the first of them, and changes meet the heap that the large signing left.
 *
 * The sum of work is the number of signatures. Times are those of the processor, what the collector
 * takes on other threads included; what else a start does is not in them.
 */
import { setFlagsFromString } from 'node:v8'
import { nodeDnssecCrypto } from '../../src/actors/signer/ports-crypto.ts'
import { ownMemory } from '../../src/core/base/memory.ts'
import { Authority } from '../../src/core/dns/authority.ts'
import { layWords } from '../../src/core/steer/pool-layout.ts'
import { servingParts } from '../../src/core/dns/serving.ts'
import { signedBytes } from '../../src/core/dnssec/parts.ts'
import { defaultLifetimes } from '../../src/core/dnssec/lifetimes.ts'
import {
  apexRecordsOf,
  type ServingPlan,
  withApexRecords,
} from '../../src/core/dnssec/serving-plan.ts'
import { signServing } from '../../src/core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../src/core/dnssec/signatures.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { compileTable } from '../../src/core/zone/table-build.ts'
import { SETTINGS } from '../../src/kernel/births.ts'
import { buildQuery } from '../../test/harness/dns-query.ts'
import { UP } from '../../test/harness/pools.ts'
import { poolSpecOf, zoneOf } from '../../test/harness/dns-world.ts'
import { median, report, sized, smoke } from '../support/report.ts'

// As in the program itself.
for (const flag of SETTINGS) setFlagsFromString(flag)

const NAMES = sized(10_000, 100)
const SERVERS = 4
const CHANGES = sized(1_000, 10)
const CHANGED_NAMES = 100
const APEX = 'bench.test'
const NOW = 1_800_000_000

const crypto = nodeDnssecCrypto()
const key = { ...crypto.generate(13, 0), role: 'csk', isActive: true } as const
const zones = [zoneOf(APEX, '@ NS ns1\nns1 A 127.0.0.1')]
const denial = { kind: 'nsec' } as const
const apexes = apexRecordsOf(
  { apex: APEX, keys: [key], dnskeyTtlSeconds: 3_600, cdsKeys: [key], cdsDigests: [2], denial },
  crypto,
)

const poolOf = (index: number, offset: number): ServingPool =>
  poolSpecOf(
    {
      name: `n${index}.${APEX}`,
      zone: APEX,
      addresses: Array.from(
        { length: SERVERS },
        (_, at) => `10.${(index + offset) >> 8}.${(index + offset) & 255}.${at + 1}`,
      ),
    },
    index,
  )
const pools = Array.from({ length: NAMES }, (_, index) => poolOf(index, 1))
const store = new SignatureStore()

function sign(version: number, all: readonly ServingPool[]) {
  const names = all.map(({ name }) => name)
  const table = compileTable(withApexRecords(zones, [apexes]), names, 1, ownMemory)
  const parts = servingParts(table, all, ownMemory)
  const plan: ServingPlan = {
    ...{ epoch: version, version, nowSeconds: NOW, wanted: [] },
    zones: [{ apex: APEX, keys: [key], denial, lifetimes: defaultLifetimes }],
  }
  const began = process.cpuUsage()
  const signed = signServing(parts, plan, store, crypto, ownMemory)
  const { user, system } = process.cpuUsage(began)
  const tookMs = (user + system) / 1_000
  if (!signed.ok) throw new Error(signed.error.join('\n'))
  return { tookMs, served: parts, ...signed.value }
}

/** Compiles, signs and answers, so many times, each with other addresses of one name. */
function changes(count: number) {
  const authority = new Authority({
    ...{ udpPayloadSize: 1_232, nsid: '', versionString: '', tcpIdleTimeoutMs: 0 },
    ...{ turns: new Uint32Array(0), hashSeed: 1 },
  })
  const few = pools.slice(0, CHANGED_NAMES)
  const words = layWords(
    few,
    few.map(({ members }) => members.map(() => UP)),
  )
  const query = buildQuery({ name: few[0]!.name, type: 'A', edns: { dnssecOk: true } })
  const out = new Uint8Array(4_096)
  const client = { bytes: new Uint8Array(4), transport: 'udp' as const }
  // What is changed is served: to come from another zone is no change of one set.
  sign(9, few)
  const tookMs: number[] = []
  const workMs: number[] = []
  const before = process.cpuUsage()
  let signedAnswers = 0
  for (let version = 10; version < 10 + count; version++) {
    const began = performance.now()
    const started = process.cpuUsage()
    const { served, parts: signed } = sign(version, [poolOf(0, version), ...few.slice(1)])
    authority.applyServing(version, version, { ...served, signed }, words)
    authority.answer(query, 0, query.length, out, 0, client)
    tookMs.push(performance.now() - began)
    const work = process.cpuUsage(started)
    workMs.push((work.user + work.system) / 1_000)
    // Two records in the answer: an address and its signature.
    if (out[7] === 2) signedAnswers++
  }
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1_000 / count
  const most = { longestMs: Math.max(...tookMs), cpuMsMost: Math.max(...workMs) }
  return { cpuMs, medianMs: median(tookMs), ...most, signedAnswers }
}

const first = sign(1, pools)
const again = sign(2, pools)
const changed = sign(3, [poolOf(0, 101), ...pools.slice(1)])
const one = changes(CHANGES)
// Times of the clock are told and not judged: on a machine that is shared they are the machine's.
const isQuick = (smoke || one.cpuMs < 20) && one.signedAnswers === CHANGES
const holds = first.tookMs < 15_000 && again.made === 0 && changed.made === SERVERS && isQuick
report(
  'signing',
  {
    'steered names': NAMES,
    'signatures made at first': first.made,
    'seconds at first': first.tookMs / 1_000,
    'microseconds a signature': (first.tookMs * 1_000) / first.made,
    'seconds with nothing changed': again.tookMs / 1_000,
    'seconds with one name changed': changed.tookMs / 1_000,
    'signatures made for it': changed.made,
    'answer sets changed, signed and answered': one.signedAnswers,
    'milliseconds of processor of a change': one.cpuMs,
    'milliseconds of processor of a change, most': one.cpuMsMost,
    'milliseconds of a change, median': one.medianMs,
    'milliseconds of a change, longest': one.longestMs,
    'MiB of signatures': signedBytes(first.parts) / 2 ** 20,
  },
  {
    holds,
    sentence: `${first.made} signatures in ${(first.tookMs / 1_000).toFixed(1)} s on one thread`,
  },
)
