/**
 * The disk of the registry: one file for what holds, one for what others said, and segments for
 * what happened.
 *
 * Who owns the directory is settled before, on the main thread (ports-lock.ts), so that a restarted
 * registry finds it free.
 */
import type { Log } from '../../kernel/log.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'
import { compile } from './ports-compile.ts'
import { makeFolder } from './ports-folder.ts'
import { openHistory } from './ports-history.ts'
import { openEventLog } from './ports-log.ts'
import { memoryPorts } from './ports-memory.ts'
import { openSharedStore, openStateStore } from './ports-store.ts'

/** A fault at the first start names the key at fault. */
class DataDirUnusable extends Error {
  override readonly name = 'DataDirUnusable'
  readonly code = 'data-dir-unusable'
}

export async function openPorts(
  config: RegistryConfig,
  _context: { readonly log: Log },
): Promise<RegistryPorts> {
  const { dataDir } = config
  if (dataDir === '') return { ...memoryPorts(), compile }
  const faults = { failedCommits: 0, dropped: 0 }
  try {
    makeFolder(dataDir)
    const log = await openEventLog(dataDir, config.eventLog, faults)
    const history = await openHistory(dataDir, config.eventLog, faults)
    const store = await openStateStore(dataDir, faults)
    const shared = await openSharedStore(dataDir, faults)
    return {
      store,
      log,
      shared,
      history,
      faults,
      compile,
      close: async () => {
        await history.close()
        await log.close()
        await store.close()
        await shared.close()
      },
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new DataDirUnusable(`overwatch.data_dir: "${dataDir}" cannot be used: ${reason}`)
  }
}
