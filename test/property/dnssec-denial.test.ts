// Goal: in any zone, for any question, the chain proves what the zone says, and never the opposite.
// Method: random zones over few labels, so that empty names, delegations, DNAMEs and wildcards
// meet; the model is `outcomeOf`, and the judge the validator, which shares no code with the chain.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Nsec,
  nsecDeniesCloser,
  nsecProof,
  readNsec,
} from '../../src/core/dnssec/check/nsec.ts'
import {
  type Nsec3,
  nsec3DeniesCloser,
  nsec3Proof,
  readNsec3,
} from '../../src/core/dnssec/check/nsec3.ts'
import { type Labels, wholeName } from '../../src/core/dnssec/check/wire.ts'
import type { DenialChain } from '../../src/core/dnssec/denial.ts'
import { nsecChain } from '../../src/core/dnssec/nsec.ts'
import { nsec3Chain, plainNsec3 } from '../../src/core/dnssec/nsec3.ts'
import { orderOf } from '../../src/core/dnssec/order.ts'
import { outcomeOf } from '../../src/core/dnssec/outcome.ts'
import { NameIndex, type ZoneName } from '../../src/core/dnssec/zone-names.ts'
import { types } from '../../src/core/dns/types.ts'
import { crypto } from '../harness/dnssec.ts'
import { namesOf, wire } from '../harness/dnssec-denial.ts'

const apex = 'zone.test'
const label = fc.constantFrom('a', 'b', 'm', 'z', '*', '0')
const relative = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const held = fc.oneof(
  { weight: 6, arbitrary: fc.subarray(['A', 'TXT', 'MX'], { minLength: 1 }) },
  { weight: 1, arbitrary: fc.constant(['CNAME']) },
  { weight: 1, arbitrary: fc.constant(['NS']) },
  { weight: 1, arbitrary: fc.constant(['NS', 'DS']) },
  { weight: 1, arbitrary: fc.constant(['DNAME', 'A']) },
)
const zones = fc
  .uniqueArray(fc.tuple(relative, held), { maxLength: 10, selector: ([name]) => name })
  .map((owners) => [
    `${apex} SOA NS NSEC3PARAM`,
    ...owners
      // A wildcard cannot be delegated, and one with a DNAME is not defined.
      .map(([name, list]) => [name, name.startsWith('*') ? ['A'] : list] as const)
      .map(([name, list]) => `${name}.${apex} ${list.join(' ')}`),
  ])
const question = fc.tuple(relative, fc.constantFrom('A', 'TXT', 'MX', 'DS', 'AAAA'))

interface Kind {
  readonly make: (names: readonly ZoneName[]) => DenialChain
  readonly proof: (
    chain: DenialChain,
    places: readonly number[],
    name: Labels,
    type: number,
  ) => string
  readonly closer: (
    chain: DenialChain,
    places: readonly number[],
    name: Labels,
    of: Labels,
  ) => boolean
}

const recordsAt = ({ records, type }: DenialChain, places: readonly number[]) =>
  places.map((at) => ({ ...records[at]!, type, class: 1, ttlSeconds: 60 }))

const nsecsAt = (chain: DenialChain, places: readonly number[]): Nsec[] =>
  recordsAt(chain, places).map((record) => readNsec(record)!)
const nsec3sAt = (chain: DenialChain, places: readonly number[]): Nsec3[] =>
  recordsAt(chain, places).map((record) => readNsec3(record)!)

const kinds: Readonly<Record<string, Kind>> = {
  NSEC: {
    make: nsecChain,
    proof: (chain, places, name, type) =>
      nsecProof(nsecsAt(chain, places), name, type)?.kind ?? 'nothing',
    closer: (chain, places, name, of) => nsecDeniesCloser(nsecsAt(chain, places), name, of),
  },
  NSEC3: {
    make: (names) => nsec3Chain(wire(apex), names, plainNsec3, crypto),
    proof: (chain, places, name, type) =>
      nsec3Proof(nsec3sAt(chain, places), name, type, crypto.sha1)?.kind ?? 'nothing',
    closer: (chain, places, name, of) =>
      nsec3DeniesCloser(nsec3sAt(chain, places), name, of, crypto.sha1),
  },
}

/** The parent of the wildcard that answers, as the labels of an RRSIG would tell it. */
function wildcardParent(index: NameIndex, name: string): Labels {
  const encloser = index.encloser(orderOf(wire(name)))!
  return wholeName(encloser.owner)!
}

describe.each(Object.entries(kinds))('%s', (_kind, { make, proof, closer }) => {
  test('proves what is not there, with at most three records', () => {
    const met = new Map<string, number>()
    fc.assert(
      fc.property(zones, fc.array(question, { minLength: 20, maxLength: 20 }), (lines, asked) => {
        const names = namesOf(apex, lines)
        const [index, chain] = [new NameIndex(names), make(names)]
        for (const [own, typeText] of asked) {
          const name = `${own}.${apex}`
          const type = types[typeText as 'A']
          const order = orderOf(wire(name))
          const outcome = outcomeOf(index, order, type)
          met.set(outcome, (met.get(outcome) ?? 0) + 1)
          if (outcome === 'answer' || outcome === 'referral' || outcome === 'dname') continue
          const places = chain.prove(outcome, order)
          const labels = wholeName(wire(name))!
          expect(places.length).toBeLessThanOrEqual(3)
          if (outcome === 'wildcard-answer')
            expect(closer(chain, places, labels, wildcardParent(index, name)), name).toBe(true)
          else {
            const wanted = outcome === 'wildcard-nodata' ? 'nodata' : outcome
            expect(proof(chain, places, labels, type), `${name} ${typeText} ${outcome}`).toBe(
              wanted,
            )
          }
        }
      }),
      { numRuns: 300 },
    )
    for (const outcome of ['nxdomain', 'nodata', 'wildcard-answer', 'wildcard-nodata'])
      expect(met.get(outcome), outcome).toBeGreaterThan(50)
  })

  test('with all its records together, denies nothing that the zone answers or refers', () => {
    fc.assert(
      fc.property(zones, fc.array(question, { minLength: 20, maxLength: 20 }), (lines, asked) => {
        const names = namesOf(apex, lines)
        const [index, chain] = [new NameIndex(names), make(names)]
        const all = chain.records.map((_, at) => at)
        for (const [own, typeText] of asked) {
          const name = `${own}.${apex}`
          const type = types[typeText as 'A']
          const outcome = outcomeOf(index, orderOf(wire(name)), type)
          const found = proof(chain, all, wholeName(wire(name))!, type)
          const isDenied = outcome === 'nxdomain' || outcome.endsWith('nodata')
          const wanted = outcome === 'wildcard-nodata' ? 'nodata' : outcome
          expect(found, `${name} ${typeText} ${outcome}`).toBe(isDenied ? wanted : 'nothing')
        }
      }),
      { numRuns: 300 },
    )
  })
})
