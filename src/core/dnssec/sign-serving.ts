/**
 * Signs a compiled table and every answer its pools can give, in steps of a size the caller likes.
 *
 *     const signing = beginSigning(parts, plan, store, crypto)
 *     while (signing.step(200) > 0) await aPause()
 *     const done = signing.finish(sharedMemory)
 *
 * Each new signature is examined before it counts, and each chain of denial with a new record.
 * Nothing is served of a signing that found a fault: the caller keeps what it serves.
 */
import type { Memory } from '../base/memory.ts'
import { type Result, fail, ok } from '../base/result.ts'
import type { PoolLayout } from '../steer/pool-layout.ts'
import type { TableParts } from '../zone/table.ts'
import { wireToName } from '../dns/names.ts'
import { typeName } from '../dns/types.ts'
import { type Rrset, signedData, signedLabels } from './canonical.ts'
import type { DnssecCrypto, Verifier } from './crypto.ts'
import { chainFaultsOf, signatureFault } from './examined.ts'
import { dueSecondsOf, isDue, lifetimeOf } from './lifetimes.ts'
import type { SignedParts } from './parts.ts'
import { layServing } from './serving-layout.ts'
import { ownedIn } from './serving-names.ts'
import type { ServingPlan } from './serving-plan.ts'
import {
  type Gathered,
  Listing,
  type ServingWork,
  type SetJob,
  type SignedZone,
  type SigningKey,
  signsKeys,
} from './serving-work.ts'
import { SetOctets } from './set-octets.ts'
import type { Signature, SignatureStore } from './signatures.ts'

/** What is signed: of what is served, the tables. */
export interface ToSign {
  readonly table: TableParts
  readonly pools: PoolLayout
}

/**
 * What is left of examining a new signature: whether the key made it. All else about it was found
 * right. Until that is known the signature counts for nothing.
 */
export interface Examination {
  /** Of the signature in its store. */
  readonly id: string
  readonly algorithm: number
  readonly publicKey: Uint8Array
  readonly data: Uint8Array
  readonly signature: Uint8Array
  /** What is wrong when the key did not make it. */
  fault(): SigningFault
}

/** A sentence that names the zone, the owner and the type. */
export type SigningFault = string

export interface Signed {
  readonly parts: SignedParts
  /** Signatures made for it, and those that were still good. */
  readonly made: number
  readonly kept: number
  /** Of those made, how many in each zone, by its apex. */
  readonly madeIn: ReadonlyMap<string, number>
  /** When the first of them has to be made anew, seconds since 1970; Infinity for none. */
  readonly dueSeconds: number
  /** From when on all of them hold, seconds since 1970; -Infinity for none. */
  readonly fromSeconds: number
}

/** A fault repeats itself a thousand times; so many tell what it is. */
const FAULTS_MAX = 20

/** Where the times of an RRSIG lie in its data (RFC 4034 section 3.1). */
const EXPIRATION_AT = 8
const INCEPTION_AT = 12

/**
 * Sets that are found signed in the time that one takes to be signed and examined, and fewer: after
 * a change nearly all are, and each slice costs the timer a millisecond.
 */
const KEPT_A_MADE = 8

export class Signing {
  readonly #serving: ToSign
  readonly #plan: ServingPlan
  readonly #store: SignatureStore
  readonly #crypto: DnssecCrypto
  readonly #listing: Listing
  readonly #faults: string[]
  /** Zones whose chain has a new signature. */
  readonly #rechained = new Set<SignedZone>()
  readonly #octets = new SetOctets()
  #next = 0
  #made = 0
  readonly #madeIn = new Map<string, number>()
  #kept = 0
  #dueSeconds = Number.POSITIVE_INFINITY
  #fromSeconds = Number.NEGATIVE_INFINITY
  /** Who verifies elsewhere, while this goes on. */
  #later: ((examination: Examination) => void) | undefined

  constructor(
    serving: ToSign,
    plan: ServingPlan,
    store: SignatureStore,
    crypto: DnssecCrypto,
    before?: Gathered,
  ) {
    this.#serving = serving
    this.#plan = plan
    this.#store = store
    this.#crypto = crypto
    this.#listing = new Listing(serving, plan, crypto, before)
    this.#faults = [...this.#listing.gathered.faults]
  }

  /** For a later one of the same table and plans. */
  get gathered(): Gathered {
    return this.#listing.gathered
  }

  /** Sets to be signed and names to be listed before; none once there is a fault. */
  get left(): number {
    const { jobs, left } = this.#listing
    return this.#faults.length > 0 ? 0 : left + jobs.length - this.#next
  }

  /**
   * Has new signatures verified by someone else, who knows every verdict before `finish` and
   * takes what is no signature out of the store.
   */
  verifyLater(take: (examination: Examination) => void): void {
    this.#later = take
  }

  /**
   * Lists or signs up to so many of them, each examined, or looks at `KEPT_A_MADE` times as many
   * whose signatures are kept; returns how many are left.
   */
  step(sets: number): number {
    const listing = this.#listing
    for (let work = 0; work < sets * KEPT_A_MADE && this.left > 0; ) {
      const made = this.#made
      const lists = listing.left > 0
      if (lists) listing.step()
      else this.#sign(listing.jobs[this.#next++]!)
      work += lists || this.#made > made ? KEPT_A_MADE : 1
    }
    return this.left
  }

  /** What is wrong with the chains of denial, whatever is signed by now. */
  chainFaults(): readonly SigningFault[] {
    const work = this.#listing.finish()
    const faults = work.chains.flatMap(({ zone }) => this.#chainFaultsOf(zone, work))
    return faults.slice(0, FAULTS_MAX)
  }

  /**
   * Lays everything out, what is left of the work done first.
   * @param found faults of what was verified elsewhere
   */
  finish(
    memory: Memory,
    found: readonly SigningFault[] = [],
  ): Result<Signed, readonly SigningFault[]> {
    // What is listed adds to what is left.
    while (this.left > 0) this.step(this.left)
    this.#faults.push(...found)
    const work = this.#listing.finish()
    for (const zone of this.#rechained) this.#faults.push(...this.#chainFaultsOf(zone, work))
    if (this.#faults.length > 0) return this.#fail(this.#faults)
    const { parts, faults } = layServing(this.#serving, this.#plan, work, memory)
    if (faults.length > 0) return this.#fail(faults)
    this.#store.settle()
    const [made, kept, madeIn] = [this.#made, this.#kept, this.#madeIn]
    const times = { dueSeconds: this.#dueSeconds, fromSeconds: this.#fromSeconds }
    return ok({ parts, made, kept, madeIn, ...times })
  }

  #fail(faults: readonly string[]): Result<never, readonly SigningFault[]> {
    this.#store.abandon()
    return fail(faults.slice(0, FAULTS_MAX))
  }

  #sign(job: SetJob): void {
    const { zone, set } = job
    for (const signer of signsKeys(set.type) ? zone.keySigners : zone.signers) {
      const signature = this.#signatureOf(job, signer)
      if (signature === undefined) return
      job.signatures.push(signature.rdata)
      const dueSeconds = dueSecondsOf(zone.plan.lifetimes, signature)
      if (dueSeconds < this.#dueSeconds) this.#dueSeconds = dueSeconds
      this.#fromSeconds = Math.max(this.#fromSeconds, signature.inceptionSeconds)
    }
  }

  /** One that is still good, or a new one; undefined with a fault. */
  #signatureOf(job: SetJob, signer: SigningKey): Signature | undefined {
    const { zone, set } = job
    const own = this.#octets
    own.take(signer.id, zone.apex.length, set)
    const held = this.#store.find(own.octets, own.length)
    if (held !== undefined && !isDue(zone.plan.lifetimes, held, this.#plan.nowSeconds)) {
      this.#kept++
      this.#store.use(held)
      return held
    }
    return this.#make(job, signer)
  }

  /** One found by its digest, or a new one, examined. */
  #make({ zone, set }: SetJob, { key, id, checked, head: template }: SigningKey) {
    const { apex, plan, chain } = zone
    const crypto = this.#crypto
    const now = this.#plan.nowSeconds
    const { octets, length } = this.#octets
    const head = template.slice()
    const view = new DataView(head.buffer)
    view.setUint16(0, set.type)
    view.setUint8(3, signedLabels(set.owner))
    view.setUint32(4, set.ttlSeconds)
    const data = signedData(head, set)
    // With the times left at zero these octets are all that a signature depends on but the key.
    const name = id + String.fromCharCode(...crypto.sha256(data))
    const held = this.#store.findId(name)
    if (held !== undefined && !isDue(plan.lifetimes, held, now)) {
      this.#kept++
      const again = { ...held, rdata: held.rdata.slice() }
      this.#store.add(name, again, octets, length)
      return again
    }
    const times = lifetimeOf(plan.lifetimes, now, set.owner, set.type)
    view.setUint32(EXPIRATION_AT, times.expirationSeconds)
    view.setUint32(INCEPTION_AT, times.inceptionSeconds)
    data.set(head)
    const signed = crypto.sign(key, data)
    const rdata = new Uint8Array(head.length + signed.length)
    rdata.set(head)
    rdata.set(signed, head.length)
    const context = { apex, keys: checked, now }
    const fault = signatureFault(set, rdata, context, this.#verifierOf(name, set, plan.apex))
    if (fault !== undefined) {
      this.#faults.push(`${plan.apex}: ${fault}`)
      return undefined
    }
    if (set.type === chain.type) this.#rechained.add(zone)
    this.#made++
    this.#madeIn.set(plan.apex, (this.#madeIn.get(plan.apex) ?? 0) + 1)
    const signature: Signature = { ...times, rdata }
    this.#store.add(name, signature, octets, length)
    return signature
  }

  /** Verifies one signature, or has it verified later; there is one key that it can be of. */
  #verifierOf(id: string, { owner, type }: Rrset, apex: string): Verifier {
    const later = this.#later
    if (later === undefined) return this.#crypto
    const fault = () => `${apex}: ${wireToName(owner)} ${typeName(type)}: wrong-signature`
    return {
      verify(algorithm, publicKey, data, signature) {
        later({ id, algorithm, publicKey, data, signature, fault })
        return true
      },
    }
  }

  #chainFaultsOf(zone: SignedZone, { names, chains }: ServingWork): readonly SigningFault[] {
    const owned = ownedIn(zone.zone, names, this.#serving.pools)
    const records = chains.find((one) => one.zone === zone)!.records.map(({ set }) => set)
    const faults = chainFaultsOf(zone.apex, owned, records, this.#crypto)
    return faults.map((fault) => `${zone.plan.apex}: ${fault}`)
  }
}

export const beginSigning = (
  serving: ToSign,
  plan: ServingPlan,
  store: SignatureStore,
  crypto: DnssecCrypto,
  before?: Gathered,
): Signing => new Signing(serving, plan, store, crypto, before)

/** All of it at once. */
export const signServing = (
  serving: ToSign,
  plan: ServingPlan,
  store: SignatureStore,
  crypto: DnssecCrypto,
  memory: Memory,
): Result<Signed, readonly SigningFault[]> =>
  new Signing(serving, plan, store, crypto).finish(memory)
