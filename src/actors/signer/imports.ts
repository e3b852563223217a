/** Keys that an operator laid down, those that are taken; of the others it is told why not. */
import { keyFileName, type StoredKey } from '../../core/dnssec/keyfile.ts'
import { sortImports } from '../../core/dnssec/imports.ts'
import type { Log } from '../../kernel/log.ts'
import type { SignerPorts } from './contract.ts'

export async function takenImports(
  { readImports }: Pick<SignerPorts, 'readImports'>,
  log: Log,
  nowSeconds: number,
): Promise<{ readonly keys: readonly StoredKey[]; readonly isUnread: boolean }> {
  const { keys, faults, isUnread = false } = await readImports()
  const { taken, left } = sortImports(keys, nowSeconds)
  const refused = left.map(({ key, why }) => ({ file: keyFileName(key), fault: why }))
  for (const { file, fault } of [...faults, ...refused])
    log.error('a key file is not taken', { file, reason: fault })
  return { keys: taken, isUnread }
}

export function noteUnread(log: Log, zones: readonly string[]): void {
  if (zones.length === 0) return
  const why = 'zones without keys wait for a reload: those that were laid down cannot be read'
  log.error(why, { zones: zones.join(' ') })
}
