/** Keys that an operator laid down, those that are taken; of the others it is told why not. */
import { keyFileName, type StoredKey } from '../../core/dnssec/keyfile.ts'
import { sortImports } from '../../core/dnssec/imports.ts'
import type { Log } from '../../kernel/log.ts'
import type { SignerPorts } from './contract.ts'

export interface Taken {
  readonly keys: readonly StoredKey[]
  /** Zones that are to have keys which lie there, and of which not all can be taken. */
  readonly held: ReadonlySet<string>
  readonly isUnread: boolean
}

export async function takenImports(
  { readImports }: Pick<SignerPorts, 'readImports'>,
  log: Log,
  nowSeconds: number,
): Promise<Taken> {
  const { keys, faults, held: unread = [], isUnread = false } = await readImports()
  const { taken, left } = sortImports(keys, nowSeconds)
  const refused = left.map(({ key, why }) => ({ file: keyFileName(key), fault: why }))
  for (const { file, fault } of [...faults, ...refused])
    log.error('a key file is not taken', { file, reason: fault })
  const whole = new Set(taken.map(({ zone }) => zone))
  const lost = keys.map(({ zone }) => zone).filter((zone) => !whole.has(zone))
  const held = new Set([...unread, ...lost])
  return { keys: taken.filter(({ zone }) => !held.has(zone)), held, isUnread }
}

/** Why zones without keys have none. */
export const HELD = 'keys that were laid down cannot be taken: it waits for a reload without them'

export function noteHeld(log: Log, zones: readonly string[]): void {
  if (zones.length === 0) return
  const why = 'zones without keys wait for a reload: those that were laid down cannot be taken'
  log.error(why, { zones: zones.join(' ') })
}
