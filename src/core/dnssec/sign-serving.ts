/**
 * Signs a compiled table and every answer its pools can give, in steps of a size the caller likes.
 *
 *     const signing = beginSigning(parts, plan, store, crypto)
 *     while (signing.step(200) > 0) await aPause()
 *     const done = signing.finish(sharedMemory)
 *
 * Nothing is served of a signing that found a fault: the caller keeps what it serves.
 */
import type { Memory } from '../base/memory.ts'
import type { Result } from '../base/result.ts'
import type { PoolLayout } from '../steer/pool-layout.ts'
import type { TableParts } from '../zone/table.ts'
import type { DnssecCrypto } from './crypto.ts'
import type { SignedParts } from './parts.ts'
import type { ServingPlan } from './serving-plan.ts'
import type { SignatureStore } from './signatures.ts'

/** What is signed: of what is served, the tables. */
export interface ToSign {
  readonly table: TableParts
  readonly pools: PoolLayout
}

/** A sentence that names the zone, the owner and the type. */
export type SigningFault = string

export interface Signed {
  readonly parts: SignedParts
  /** Signatures made for it, and those that were still good. */
  readonly made: number
  readonly kept: number
  /** When the first of them has to be made anew, seconds since 1970; Infinity for none. */
  readonly dueSeconds: number
}

export interface Signing {
  /** Sets that are still to be signed. */
  readonly left: number
  /** Signs up to so many of them, each examined; returns how many are left. */
  step(sets: number): number
  /** Lays everything out; the faults are those of all steps. */
  finish(memory: Memory): Result<Signed, readonly SigningFault[]>
}

export declare function beginSigning(
  serving: ToSign,
  plan: ServingPlan,
  store: SignatureStore,
  crypto: DnssecCrypto,
): Signing

/** All of it at once. */
export declare function signServing(
  serving: ToSign,
  plan: ServingPlan,
  store: SignatureStore,
  crypto: DnssecCrypto,
  memory: Memory,
): Result<Signed, readonly SigningFault[]>
