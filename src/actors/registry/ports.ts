/**
 * The disk of the registry: a file for what holds, one for what others said, one for what the API
 * edited, and segments for what happened, in one series to be folded and in another to be told.
 *
 * Who owns the directory is settled before, on the main thread (ports-lock.ts), so that a restarted
 * registry finds it free.
 */
import { limits } from '../../core/base/limits.ts'
import { writeNote } from '../../core/base/note.ts'
import type { Log } from '../../kernel/log.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'
import { compile } from './ports-compile.ts'
import { openFeedLog } from './ports-feed.ts'
import { makeFolder } from './ports-folder.ts'
import { threadGeographer } from './ports-geo.ts'
import { openHistory } from './ports-history.ts'
import { openEventLog } from './ports-log.ts'
import { memoryPorts } from './ports-memory.ts'
import { openObjectStore, openSharedStore, openStateStore } from './ports-store.ts'

/** A fault at the first start names the key at fault. */
class DataDirUnusable extends Error {
  override readonly name = 'DataDirUnusable'
  readonly code = 'data-dir-unusable'
}

export async function openPorts(
  config: RegistryConfig,
  _context: { readonly log: Log },
): Promise<RegistryPorts> {
  const { dataDir, refusal } = config
  const refusedFirst = (reason: string) => {
    if (refusal !== undefined) writeNote(refusal, reason)
  }
  // Numbers start above those of every registry before, for nothing is left to go on from.
  if (dataDir === '')
    return {
      ...memoryPorts(undefined, undefined, Date.now()),
      compile,
      geographer: threadGeographer(),
      refusedFirst,
    }
  const faults = { failedCommits: 0, dropped: 0 }
  try {
    makeFolder(dataDir)
    const { retentionMs, maxBytes } = config.eventLog
    const feedBytes = Math.floor(maxBytes * limits.feedLogShare.default)
    const ofLog = { retentionMs, maxBytes: maxBytes - feedBytes }
    const log = await openEventLog(dataDir, ofLog, faults)
    const feed = await openFeedLog(dataDir, { retentionMs, maxBytes: feedBytes }, faults)
    const history = await openHistory(dataDir, ofLog, faults)
    const store = await openStateStore(dataDir, faults)
    const shared = await openSharedStore(dataDir, faults)
    const objects = await openObjectStore(dataDir, faults)
    const geographer = threadGeographer()
    return {
      store,
      log,
      shared,
      feed,
      objects,
      history,
      faults,
      compile,
      geographer,
      refusedFirst,
      close: async () => {
        await geographer.close()
        await history.close()
        await log.close()
        await store.close()
        await shared.close()
        await feed.close()
        await objects.close()
      },
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new DataDirUnusable(`overwatch.data_dir: "${dataDir}" cannot be used: ${reason}`)
  }
}
