/**
 * What the signer says of its keys: a line of the log and an event, an alarm where people must act.
 */
import type { StoreContents } from '../../core/dnssec/keystore.ts'
import type { RollEvent } from '../../core/dnssec/roll/types.ts'
import type { KeyRing } from '../../core/dnssec/sync/ring.ts'
import { type DataOf, type DurableName, partsOf } from '../../core/events/definitions.ts'
import type { SignerCtx } from './house.ts'

export function noteRoll(ctx: SignerCtx, event: RollEvent): void {
  const { kind, zone, text, keyTag, isAlarm, atSeconds } = event
  const tag = keyTag === undefined ? {} : { key_tag: keyTag }
  const atMs = atSeconds * 1_000
  if (isAlarm) ctx.log.error(text, { zone, ...tag, step: kind })
  else ctx.log.info(text, { zone, ...tag, step: kind })
  note(ctx, 'dnssec.key-step', { zone, step: kind, text, ...tag }, atMs)
  if (isAlarm) note(ctx, 'alarm.dnssec-keys', { zone, reason: text }, atMs)
}

/** Keys of a node of another name: of this one before it was renamed, or of one that was copied. */
export function noteRenamed(
  ctx: SignerCtx,
  { node, formerly }: KeyRing,
  { holder }: StoreContents,
): void {
  const [last] = formerly
  if (last === undefined || holder?.node === node) return
  ctx.log.warn(
    'keys were held under another name, which is taken for an earlier one of this node',
    {
      ...{ node, formerly: last },
      hint: 'where a node of that name still runs, each must be in key_sync.peers of the other',
    },
  )
}

function note<Name extends DurableName>(
  ctx: SignerCtx,
  name: Name,
  data: DataOf<Name>,
  atMs: number,
): void {
  const { topic, kind: event } = partsOf(name)
  ctx.publish('signer.event-noted', { topic, event, service: '', region: '', atMs, data })
}
