/**
 * The audit log of a node that keeps nothing on disk: the newest records, chained all the same.
 */
import { type ChainHead, chainStart, sealEntry, type Sha256 } from '../../core/audit/chain.ts'
import { type AuditEntry, parseRecord } from '../../core/audit/entry.ts'
import { limits } from '../../core/base/limits.ts'
import type { AuditPort } from './contract.ts'

export function memoryAudit(sha256: Sha256): AuditPort {
  let head: ChainHead = chainStart
  let entries: AuditEntry[] = []
  const state = () => ({
    ...({ chain: 'intact', faults: [], faultCount: 0, lost: 0, failedWrites: 0 } as const),
    ...head,
  })
  return {
    append: async (fields) => {
      const sealed = sealEntry(head, fields, sha256)
      head = sealed.head
      const record = parseRecord(sealed.line.slice(sealed.line.indexOf(' ') + 1))
      if (record?.kind === 'entry')
        entries = [...entries, record.entry].slice(-limits.auditMemoryRecords.default)
      return 'committed'
    },
    read: async (take) => {
      take(entries)
      return 'read'
    },
    state,
    onChecked: (run) => run(state()),
  }
}
