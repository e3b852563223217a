/**
 * What the registry keeps on disk beside its events: the state of every server in
 * `{dataDir}/state.log`, what agents and other overwatches said in `{dataDir}/shared.log`, and what
 * the API made and edited in `{dataDir}/objects.log`.
 */
import { limits } from '../../core/base/limits.ts'
import { parseRow, type ServerRow } from '../../core/health/rows.ts'
import type { DiskFaults, ObjectStore, SharedStore, StateStore } from './contract.ts'
import { openKeyedFile } from './ports-keyed.ts'

/** Opens the store; rejects only with what the file system says of the folder. */
export async function openStateStore(dataDir: string, faults: DiskFaults): Promise<StateStore> {
  const options = {
    name: 'state',
    keyCharsMax: limits.stateKeyBytesMax.default,
    keysMax: limits.stateRowsMax.default,
    readBytesMax: limits.stateRowBytesMax.max,
    recordBytesMax: limits.stateRowBytesMax.default,
  }
  const file = await openKeyedFile(dataDir, options, faults)
  return {
    load: async (nowMs) => {
      const { values, dropped } = file.load()
      const rows = new Map<string, ServerRow>()
      for (const [key, value] of values) {
        const row = parseRow(value, nowMs)
        if (row !== undefined) rows.set(key, row)
      }
      return { rows, dropped: dropped + values.size - rows.size, damaged: file.damaged }
    },
    put: (key, row) => file.put(key, row),
    remove: (key) => file.put(key, undefined),
    flush: file.flush,
    close: file.close,
  }
}

/** Opens the store of what others said. */
export async function openSharedStore(dataDir: string, faults: DiskFaults): Promise<SharedStore> {
  const options = {
    name: 'shared',
    keyCharsMax: limits.keptKeyBytesMax.default,
    keysMax: limits.keptRecordsMax.default,
    readBytesMax: limits.keptBytesMax.max,
    recordBytesMax: limits.keptBytesMax.default,
  }
  const file = await openKeyedFile(dataDir, options, faults)
  return {
    load: async () => {
      const kept = new Map<string, Uint8Array>()
      for (const [key, value] of file.load().values)
        if (value instanceof Uint8Array) kept.set(key, Uint8Array.from(value))
      return kept
    },
    put: (key, bytes) => file.put(key, bytes),
    remove: (key) => file.put(key, undefined),
    flush: file.flush,
    close: file.close,
  }
}

/** Opens the store of what the API made and edited. */
export async function openObjectStore(dataDir: string, faults: DiskFaults): Promise<ObjectStore> {
  const options = {
    name: 'objects',
    keyCharsMax: limits.stateKeyBytesMax.default,
    // As many may have given way to the file.
    keysMax: 2 * limits.objectsMax.default,
    readBytesMax: limits.objectBytesMax.max,
    recordBytesMax: limits.objectBytesMax.default,
  }
  const file = await openKeyedFile(dataDir, options, faults)
  return {
    load: async () => file.load().values,
    put: (key, value) => file.put(key, value),
    remove: (key) => file.put(key, undefined),
    flush: file.flush,
    close: file.close,
  }
}
