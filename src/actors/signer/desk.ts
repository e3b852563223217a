/**
 * Where signing is done: one job at a time, in slices, so that the thread hears what else happens.
 *
 * A job is a draft that the registry gave, or what is served once more: because signatures come
 * close to their end, the clock was set, keys do other work, or an answer of several servers was
 * wanted that is not signed. What a job finds at fault goes nowhere; what was signed before stays.
 */
import { limits } from '../../core/base/limits.ts'
import { sharedMemory } from '../../core/base/memory.ts'
import type { ServingParts } from '../../core/dns/serving.ts'
import type { SignedParts } from '../../core/dnssec/parts.ts'
import type { Gathered } from '../../core/dnssec/serving-work.ts'
import type { WantedSet, ZonePlan } from '../../core/dnssec/serving-plan.ts'
import { type Signed, type Signing, beginSigning } from '../../core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../core/dnssec/signatures.ts'
import { readSignatures, writeSignatures } from '../../core/dnssec/signature-file.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { SignerPorts } from './contract.ts'
import { Examining } from './examining.ts'
import type { ServedVersion } from './keys.ts'
import { WantedPace, WantedSets } from './wanted.ts'

/** A restarted signer outranks its predecessor, which has signed fewer times than this. */
const VERSIONS_PER_INCARNATION = 2 ** 20

/** A clock that is wrong at the start is set soon after it. */
const FIRST_LOOK_MS = 5_000

/** What a signature signs is not on the disk. */
const NOTHING = new Uint8Array(0)

export interface Draft {
  readonly epoch: number
  readonly keysVersion: string
  readonly parts: ServingParts
}

/** What a job signs with, and the versions of documents that are served where its outcome is. */
export interface DeskKeys {
  readonly plans: readonly ZonePlan[]
  readonly versions: readonly ServedVersion[]
}

export interface DeskWorld {
  readonly clock: Clock
  readonly incarnation: number
  readonly ports: SignerPorts
  /** What is signed with now, and which keys the drafts of now are made with. */
  keys(): DeskKeys
  keysVersion(): string
  onSigned(epoch: number, version: number, parts: SignedParts, keys: DeskKeys): void
  /** An empty reason: another draft is to come. */
  onRefused(epoch: number, reason: string): void
  /** How many were made, and how many were still good; how long it took. */
  onDone(signed: Signed, tookMs: number): void
}

/** Why something is signed. */
type Cause = 'draft' | 'again' | 'wanted'

interface Job {
  readonly draft: Draft
  readonly cause: Cause
  readonly version: number
  readonly signing: Signing
  readonly keys: DeskKeys
  readonly beganMs: number
  /** Where the thread does not verify itself. */
  readonly examining: Examining | undefined
}

const VERDICT_PARTS = 10

/** What was gathered of more names costs more memory, while nothing is signed, than it saves. */
const GATHERED_NAMES_MAX = 20_000

export class Desk {
  readonly #world: DeskWorld
  readonly #store = new SignatureStore()
  readonly #wanted = new WantedSets()
  readonly #pace: WantedPace
  #version: number
  #job: Job | undefined
  /** What the registry serves, or is to serve. */
  #current: Draft | undefined
  /** What that was signed with. */
  #keys: DeskKeys = { plans: [], versions: [] }
  /** When the first signature is due, and from when on all hold. */
  #dueSeconds = Number.POSITIVE_INFINITY
  #fromSeconds = Number.NEGATIVE_INFINITY
  #again = false
  /** Of the last job: the next one is most often over the same names and keys. */
  #gathered: Gathered | undefined
  /** The job waits for verdicts. */
  #isParked = false
  #cancelSlice: () => void = () => {}
  #cancelRetry: () => void = () => {}
  #cancelSave: (() => void) | undefined
  readonly #stopLooking: () => void

  constructor(world: DeskWorld) {
    this.#world = world
    this.#version = world.incarnation * VERSIONS_PER_INCARNATION
    this.#pace = new WantedPace(world.clock, () => {
      if (this.#job === undefined && this.#current !== undefined)
        this.#begin(this.#current, 'wanted')
    })
    const everyMs = limits.signatureRefreshCheckMs.default
    this.#stopLooking = world.clock.every(everyMs, FIRST_LOOK_MS, () => this.look())
  }

  /** Takes what was signed before the start. */
  async restore(): Promise<void> {
    const octets = await this.#world.ports.loadSignatures()
    if (octets === undefined) return
    for (const [id, signature] of readSignatures(octets)) this.#store.add(id, signature, NOTHING, 0)
    this.#store.settle()
  }

  /** Signatures that are kept. */
  get size(): number {
    return this.#store.size
  }

  /** Seconds since 1970 of the next refresh; Infinity while nothing is signed. */
  get dueSeconds(): number {
    return this.#dueSeconds
  }

  draft(draft: Draft): void {
    this.#cancelRetry()
    if (draft.keysVersion !== this.#world.keysVersion()) {
      this.#world.onRefused(draft.epoch, '')
      return
    }
    this.#abandon()
    if (this.#current?.epoch !== draft.epoch) this.#wanted.clear()
    this.#begin(draft, 'draft')
  }

  /** Keys do other work: what was made with the same key set is signed by those that do it now. */
  rework(): void {
    if (this.#current?.keysVersion === this.#world.keysVersion()) this.again()
  }

  /**
   * Signs what is served once more: signatures are due, or keys do other work. Where newer keys are
   * to make another draft of it, it is signed as before: who knows when that draft comes.
   */
  again(): void {
    if (this.#current === undefined) return
    if (this.#job === undefined) this.#begin(this.#current, 'again')
    else this.#again = true
  }

  wanted(epoch: number, sets: Iterable<WantedSet>): void {
    if (this.#current?.epoch !== epoch) return
    if (this.#wanted.add(sets)) this.#pace.news()
  }

  /** Whether anything is due by now. */
  look(): void {
    const now = this.#nowSeconds()
    // A clock that was set back may show a time before signatures begin.
    if (now >= this.#dueSeconds || now < this.#fromSeconds) this.again()
  }

  async close(): Promise<void> {
    this.#stopLooking()
    this.#cancelRetry()
    this.#pace.begun()
    this.#abandon()
    if (this.#cancelSave === undefined) return
    this.#cancelSave()
    await this.#save()
  }

  #nowSeconds(): number {
    return Math.floor(this.#world.clock.nowMs() / 1_000)
  }

  #begin(draft: Draft, cause: Cause): void {
    const { ports, clock } = this.#world
    const beganMs = clock.monotonicMs()
    const isOfNow = cause !== 'wanted' && draft.keysVersion === this.#world.keysVersion()
    const keys = isOfNow ? this.#world.keys() : this.#keys
    const { epoch, parts } = draft
    const version = ++this.#version
    this.#again = false
    this.#pace.begun()
    const signing = beginSigning(
      parts,
      {
        ...{ epoch, version, nowSeconds: this.#nowSeconds() },
        ...{ zones: keys.plans, wanted: this.#wanted.list() },
      },
      this.#store,
      ports.crypto,
      this.#gathered,
    )
    const { gathered } = signing
    const isKept = cause === 'wanted' || gathered.names.length <= GATHERED_NAMES_MAX
    this.#gathered = isKept ? gathered : undefined
    const { verifyLater } = ports
    const isLarge = signing.left >= limits.examinedLaterSets.default
    const examining =
      verifyLater !== undefined && isLarge
        ? new Examining(verifyLater, this.#store, () => this.#heard())
        : undefined
    if (examining !== undefined) signing.verifyLater((one) => examining.take(one))
    this.#job = { draft, cause, version, signing, keys, beganMs, examining }
    this.#slice()
  }

  #slice(): void {
    const job = this.#job
    if (job === undefined) return
    const { signing, examining } = job
    // Verifying is two thirds of the work.
    const sets = limits.signingSliceSets.default * (examining === undefined ? 1 : 2)
    const left = signing.step(sets)
    const pending = examining?.pending ?? 0
    if (left > 0 && pending < limits.examinationsPending.default) {
      this.#nextSlice()
      return
    }
    this.#isParked = pending > 0
    if (this.#isParked) this.#await()
    else this.#finishJob(job)
  }

  /**
   * Of threads that never verify, as where a disk holds them up, the registry is told. The time is
   * counted in parts: a machine that stood still has used up one of them.
   */
  #await(parts = VERDICT_PARTS): void {
    const ms = limits.verdictMs.default
    this.#cancelSlice()
    this.#cancelSlice = this.#world.clock.after(ms / VERDICT_PARTS, () => {
      if (parts > 1) this.#await(parts - 1)
      else this.#giveUp(`signatures were not verified within ${ms} ms`)
    })
  }

  #giveUp(reason: string): void {
    const job = this.#job
    this.#abandon()
    if (job !== undefined) {
      this.#world.onRefused(job.draft.epoch, reason)
      this.#retry(job)
    }
    if (this.#again) this.again()
    else this.#pace.resume()
  }

  /** A job that was out of time was at no fault, and nobody else tries it again. */
  #retry({ draft, cause }: Job): void {
    this.#cancelRetry()
    if (cause === 'wanted') return
    this.#cancelRetry = this.#world.clock.after(limits.verdictMs.default, () => {
      if (cause === 'draft') this.draft(draft)
      else this.again()
    })
  }

  #nextSlice(): void {
    this.#cancelSlice = this.#world.clock.after(0, () => this.#slice())
  }

  /** A verdict came: what waited for it goes on. */
  #heard(): void {
    const job = this.#job
    if (!this.#isParked || job === undefined) return
    const most = job.signing.left > 0 ? limits.examinationsPending.default / 2 : 0
    if (job.examining!.pending > most) {
      this.#await()
      return
    }
    this.#isParked = false
    this.#cancelSlice()
    this.#nextSlice()
  }

  #finishJob(job: Job): void {
    this.#job = undefined
    this.#finish(job)
    if (job.cause === 'wanted') this.#pace.passed(this.#world.clock.monotonicMs() - job.beganMs)
    if (this.#again) this.again()
    else this.#pace.resume()
  }

  #finish({ draft, cause, version, signing, keys, beganMs, examining }: Job): void {
    const { epoch } = draft
    const outcome = signing.finish(sharedMemory, examining?.faults)
    if (!outcome.ok) {
      const more = outcome.error.length > 1 ? ` (and ${outcome.error.length - 1} more)` : ''
      this.#world.onRefused(epoch, `${outcome.error[0] ?? 'nothing could be signed'}${more}`)
      return
    }
    if (cause === 'draft') this.#current = draft
    this.#keys = keys
    const signed = outcome.value
    this.#dueSeconds = signed.dueSeconds
    this.#fromSeconds = signed.fromSeconds
    this.#world.onDone(signed, this.#world.clock.monotonicMs() - beganMs)
    this.#world.onSigned(epoch, version, signed.parts, keys)
    if (signed.made > 0) this.#saveLater()
  }

  #abandon(): void {
    this.#cancelSlice()
    if (this.#job !== undefined) this.#store.abandon()
    this.#job?.examining?.abandon()
    this.#job = undefined
    this.#isParked = false
  }

  #saveLater(): void {
    this.#cancelSave ??= this.#world.clock.after(limits.signatureSaveMs.default, () => {
      void this.#save()
    })
  }

  async #save(): Promise<void> {
    this.#cancelSave = undefined
    await this.#world.ports.saveSignatures(writeSignatures(this.#store.entries()))
  }
}
