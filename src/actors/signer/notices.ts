/**
 * What the signer says of its keys: a line of the log and an event, an alarm where people must act.
 */
import type { RollEvent } from '../../core/dnssec/roll/types.ts'
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

function note<Name extends DurableName>(
  ctx: SignerCtx,
  name: Name,
  data: DataOf<Name>,
  atMs: number,
): void {
  const { topic, kind: event } = partsOf(name)
  ctx.publish('signer.event-noted', { topic, event, service: '', region: '', atMs, data })
}
