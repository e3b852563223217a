/**
 * What readers are told, and when.
 *
 * Where zones are signed, an epoch is a draft until its signatures are there: the signer gets it
 * first, and the edition in force serves on, with each word of health as it comes. So nothing is
 * ever answered without its signatures, and a signer that is away holds back configuration, never
 * health. Without signed zones an edition is in force as soon as it is made.
 *
 * Those who answer are told first. The snapshot for those who explain names every server, so it
 * follows in a moment, one for all editions of that moment, and always before the next word.
 */
import { limits } from '../../core/base/limits.ts'
import type { SignedParts } from '../../core/dnssec/parts.ts'
import type { ServingPool, WordChange } from '../../core/steer/snapshot.ts'
import type { ServingParts } from '../../core/dns/serving.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'
import { Edition } from './edition.ts'

type Told =
  | 'registry.serving-set'
  | 'registry.snapshot-set'
  | 'registry.word-changed'
  | 'registry.serving-drafted'
  | 'registry.signatures-set'

export interface PressWorld {
  readonly clock: Clock
  publish<Id extends Told>(id: Id, message: MessageOf<ProductCatalogue, Id>): void
  /** An edition is in force, or another one of the same epoch. */
  onIssued(): void
  /** These words were told. */
  onWords(words: readonly WordChange[]): void
  /** A draft waits longer than signing takes, or was refused. */
  onHeld(epoch: number, reason: string): void
  /** What was held is in force. */
  onReleased(epoch: number): void
}

/** What an edition is made of. */
export interface Made {
  readonly epoch: number
  readonly version: number
  readonly pools: readonly ServingPool[]
  readonly parts: ServingParts
  readonly words: number[][]
  /** Whether it has to be signed; `not-yet` while there are no keys for it. */
  readonly signing: 'none' | 'wanted' | 'not-yet'
  /** Of the keys it was compiled with. */
  readonly keysVersion: string
}

const NO_KEYS = 'there are no keys yet'

interface Draft {
  readonly edition: Edition
  readonly made: Made
}

export class Press {
  readonly #world: PressWorld
  #speaks = false
  #current: Edition | undefined
  /** Of the edition in force, for a signer that starts anew. */
  #currentMade: Made | undefined
  /** The one that is being signed, and the newest; one and the same most of the time. */
  #drafts: Draft[] = []
  /** The epoch that the signer works on: it is given one at a time, so that each comes out. */
  #sent: number | undefined
  /** What it was given last it would not sign, because it did not know the keys yet. */
  #isTurnedDown = false
  /** It has signed what is in force, so it keeps those signatures fresh. */
  #isKept = false
  #cancelAgain: () => void = () => {}
  #cancelAlarm: () => void = () => {}
  #heldEpoch = -1
  /** Of the newest draft, where the signer will not sign it: why. */
  #refusal: string | undefined
  /** Version of the signatures in force. */
  #signatures = -1
  #waiting: { readonly epoch: number; readonly done: (isOut: boolean) => void }[] = []
  /** A snapshot is to be told; ends the wait for it. */
  #cancelSnapshot: (() => void) | undefined

  constructor(world: PressWorld) {
    this.#world = world
  }

  /** From now on readers are told. */
  speak(): void {
    if (this.#speaks) return
    this.#speaks = true
    if (this.#current === undefined) return
    this.#issue()
    this.tellSnapshot()
  }

  get speaks(): boolean {
    return this.#speaks
  }

  /** The edition in force. */
  get current(): Edition | undefined {
    return this.#current
  }

  /** An epoch is on its way that cannot be made yet: it is told when that takes long. */
  expect(epoch: number): void {
    this.#cancelAlarm()
    this.#cancelAlarm = this.#world.clock.after(limits.signedHeldMs.default, () => {
      if (this.#current === undefined && this.#drafts.length === 0) this.#hold(epoch, NO_KEYS)
    })
  }

  /** Takes a new epoch. */
  offer(made: Made): void {
    const { epoch, version, pools, parts, words } = made
    const edition = new Edition(epoch, version, pools, parts, words)
    this.#refusal = undefined
    if (made.signing === 'none') {
      this.#drafts = []
      this.#take(edition, made)
      return
    }
    this.#drafts = [...this.#drafts.filter((one) => one.edition.epoch === this.#sent)]
    for (const one of this.#drafts) one.edition.follow(edition)
    this.#drafts.push({ edition, made })
    if (this.#speaks) this.#tellWords(this.#current?.follow(edition) ?? [])
    this.#sendNext()
    this.#watch(epoch, made)
  }

  /** The words of a turn, of the newest epoch. */
  words(changes: readonly WordChange[]): void {
    const newest = this.#drafts.at(-1)?.edition ?? this.#current
    const told: WordChange[] = []
    for (const change of changes) {
      const named = newest?.epoch === change.epoch ? newest.named(change) : undefined
      for (const edition of this.#editions()) {
        if (edition.epoch === change.epoch) {
          edition.put(change)
          if (edition === this.#current) told.push(change)
        } else if (named !== undefined) {
          const own = edition.take(named.name, named.key, change.word)
          if (own !== undefined && edition === this.#current) told.push(own)
        }
      }
    }
    this.#tellWords(told)
  }

  /** Signatures came from the signer. */
  signed(epoch: number, version: number, signed: SignedParts): void {
    this.#answered(epoch)
    const at = this.#drafts.findIndex(({ edition }) => edition.epoch === epoch)
    const draft = this.#drafts[at]
    if (draft !== undefined) {
      draft.edition.parts = { ...draft.edition.parts, signed }
      this.#drafts = this.#drafts.slice(at + 1)
      this.#signatures = version
      this.#take(draft.edition, draft.made)
    } else this.#renew(epoch, version, signed)
    if (this.#current?.epoch === epoch) this.#isKept = true
    this.#sendNext()
  }

  /** The signer did not sign a draft; an empty reason means that another one is to come. */
  refused(epoch: number, reason: string): void {
    this.#answered(epoch)
    this.#isTurnedDown = reason === ''
    const isDraft = this.#drafts.some(({ edition }) => edition.epoch === epoch)
    if (isDraft && reason !== '') {
      // The alarm would say that it is not signed yet, in place of why.
      if (this.#drafts.at(-1)?.edition.epoch === epoch) {
        this.#cancelAlarm()
        this.#refusal = reason
        for (const { done } of this.#waiting) done(false)
      }
      this.#hold(epoch, reason)
    }
    if (!this.#isKept && reason !== '') this.#keepLater()
    this.#sendNext(epoch)
  }

  /** A signer that has just started learns what there is to sign. */
  tellSigner(): void {
    this.#isKept = false
    this.#tellWork()
  }

  /** The signer has told the keys that were known: it signs with them what it did not before. */
  keysAgain(): void {
    if (this.#isTurnedDown && this.#sent === undefined) this.#tellWork()
  }

  /** What is in force comes first: the draft may be held for weeks, and its signatures run out. */
  #tellWork(): void {
    this.#sent = undefined
    this.#refusal = undefined
    this.#drafts = this.#drafts.slice(-1)
    this.#sendCurrent()
    this.#sendNext()
  }

  #sendCurrent(): void {
    const [edition, made] = [this.#current, this.#currentMade]
    if (!this.#isKept && edition !== undefined && made !== undefined) this.#send({ edition, made })
  }

  /** The signer tries again what it could not sign for want of time, unless a draft follows. */
  #keepLater(): void {
    this.#cancelAgain()
    this.#cancelAgain = this.#world.clock.after(limits.verdictMs.default, () => {
      if (this.#sent === undefined) this.#sendCurrent()
    })
  }

  publishServing(): void {
    if (!this.#speaks || this.#current === undefined) return
    this.#world.publish('registry.serving-set', this.#current.serving())
  }

  /** Tells the snapshot of the edition in force now, where it was not told yet. */
  tellSnapshot(): void {
    if (this.#cancelSnapshot !== undefined) this.publishSnapshot()
  }

  publishSnapshot(): void {
    this.#cancelSnapshot?.()
    this.#cancelSnapshot = undefined
    if (!this.#speaks || this.#current === undefined) return
    this.#world.publish('registry.snapshot-set', this.#current.snapshot())
  }

  /** Why the newest draft will not be signed as things are; undefined where it may be. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** Resolves once this epoch or a later one is in force; false when refused, or after a while. */
  isOut(epoch: number): Promise<boolean> {
    if (this.#current !== undefined && this.#current.epoch >= epoch) return Promise.resolve(true)
    if (this.#refusal !== undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      const cancel = this.#world.clock.after(limits.signedAckMs.default, () => done(false))
      const done = (isOut: boolean) => {
        cancel()
        this.#waiting = this.#waiting.filter((one) => one.done !== done)
        resolve(isOut)
      }
      this.#waiting.push({ epoch, done })
    })
  }

  close(): void {
    this.#cancelAlarm()
    this.#cancelAgain()
    this.#cancelSnapshot?.()
    for (const { done } of this.#waiting) done(false)
  }

  #editions(): Edition[] {
    const drafts = this.#drafts.map(({ edition }) => edition)
    return this.#current === undefined ? drafts : [this.#current, ...drafts]
  }

  #take(edition: Edition, made: Made): void {
    this.#current = edition
    this.#currentMade = made
    if (this.#drafts.length === 0) this.#refusal = undefined
    if (this.#drafts.length === 0) this.#cancelAlarm()
    if (this.#heldEpoch >= 0 && this.#heldEpoch <= edition.epoch) {
      this.#heldEpoch = -1
      this.#world.onReleased(edition.epoch)
    }
    if (this.#speaks) this.#issue()
    for (const { epoch, done } of this.#waiting) if (epoch <= edition.epoch) done(true)
  }

  #issue(): void {
    this.publishServing()
    const waitMs = limits.snapshotGatherMs.default
    this.#cancelSnapshot ??= this.#world.clock.after(waitMs, () => this.publishSnapshot())
    this.#world.onIssued()
  }

  #answered(epoch: number): void {
    if (this.#sent === epoch) this.#sent = undefined
  }

  /** Hands the signer the newest draft, unless it has one or has refused it. */
  #sendNext(refused = -1): void {
    const draft = this.#drafts.at(-1)
    if (draft === undefined || this.#sent !== undefined || draft.edition.epoch === refused) return
    // Of what is in force a refusal says nothing about the draft.
    if (refused === this.#current?.epoch && this.#refusal !== undefined) return
    this.#send(draft)
  }

  #send({ edition, made }: Draft): void {
    if (made.signing !== 'wanted') return
    const { parts, keysVersion } = made
    const { epoch } = edition
    this.#sent = epoch
    this.#isTurnedDown = false
    this.#world.publish('registry.serving-drafted', { epoch, keysVersion, parts })
  }

  /** Newer signatures of the edition in force. */
  #renew(epoch: number, version: number, signed: SignedParts): void {
    const current = this.#current
    if (current === undefined || current.epoch !== epoch || version <= this.#signatures) return
    this.#signatures = version
    current.parts = { ...current.parts, signed }
    if (this.#speaks) this.#world.publish('registry.signatures-set', { epoch, version, signed })
  }

  #tellWords(words: readonly WordChange[]): void {
    if (!this.#speaks || words.length === 0) return
    // A word means something only to those who have its edition.
    this.tellSnapshot()
    for (const word of words) this.#world.publish('registry.word-changed', word)
    this.#world.onWords(words)
  }

  /** Says that a draft is held when it takes longer than signing should. */
  #watch(epoch: number, { signing }: Made): void {
    this.#cancelAlarm()
    const why = signing === 'wanted' ? 'its signatures are not there yet' : NO_KEYS
    this.#cancelAlarm = this.#world.clock.after(limits.signedHeldMs.default, () => {
      if (this.#drafts.some(({ edition }) => edition.epoch === epoch)) this.#hold(epoch, why)
    })
  }

  #hold(epoch: number, reason: string): void {
    this.#heldEpoch = Math.max(this.#heldEpoch, epoch)
    this.#world.onHeld(epoch, reason)
  }
}
