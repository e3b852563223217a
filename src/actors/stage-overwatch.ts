/**
 * The overwatch: registry, DNS threads, prober, gossip, API.
 *
 * Main opens the UDP sockets and lends them, so that no thread's end loses them, and holds the lock
 * of the data directory.
 */
import { leaseMemory } from '../core/cluster/lease.ts'
import { isClustered } from '../core/config/clustered.ts'
import type { Loaded } from '../core/config/load.ts'
import { untilServing } from './api/ports-serving.ts'
import { lendSockets } from './dns/ports-sockets.ts'
import { dnsShared } from './dns/shared.ts'
import { lockDataDir } from './registry/ports-lock.ts'
import { byChild, configsOf, overwatchOf, type Process } from './roster.ts'
import type { ReloadCounts } from './shell/contract.ts'
import type { ProcessFacts, Stage } from './stage.ts'

/** Rejects with a fault an operator can act on: an address or the data directory is taken. */
export async function overwatchStage(
  loaded: Loaded,
  facts: ProcessFacts,
  reloads: ReloadCounts,
): Promise<Stage> {
  const { config, topology } = loaded
  const { listen_address: listenAddress, threads, batch_size: batchSize } = config.dns
  const lent = lendSockets({ listenAddress, threads, batchSize })
  const self: Process = {
    ...facts,
    sockets: lent.threads,
    dnsAddress: listenAddress,
    ...dnsShared(facts.randomBytes),
    ...(isClustered(config) ? { lease: leaseMemory() } : {}),
  }
  const lock = await lockDataDir(config.overwatch.data_dir)
  if (!lock.ok) {
    lent.close()
    throw new Error(lock.error.message)
  }
  // A follower refuses, which is its work done: any answer of it is one.
  const apex = isClustered(config) ? '' : (topology.zones[0]?.apex ?? '')
  return {
    system: overwatchOf(configsOf(loaded, self, reloads), self),
    notes: lent.notes,
    configs: (next, counts) => byChild(configsOf(next, self, counts)),
    serving: async () =>
      (await untilServing(listenAddress, apex)) ? undefined : 'DNS does not answer yet',
    close: () => {
      lent.close()
      lock.value.release()
    },
  }
}
