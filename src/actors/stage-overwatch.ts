/**
 * The overwatch: registry, DNS threads, prober, gossip, API.
 *
 * Main opens the sockets of DNS and lends them, so that no thread's end loses them, and holds the
 * lock of the data directory. A process that takes the place of another is given both by it; see
 * dns/ports-handover.ts.
 */
import { limits } from '../core/base/limits.ts'
import type { Result } from '../core/base/result.ts'
import { leaseMemory } from '../core/cluster/lease.ts'
import { isClustered } from '../core/config/clustered.ts'
import type { Loaded } from '../core/config/load.ts'
import type { System } from '../kernel/system.ts'
import { askDns } from './api/ports.ts'
import { untilServing } from './api/ports-serving.ts'
import { type Inherited, offerSockets, takeSockets } from './dns/ports-handover.ts'
import {
  closeLent,
  type LentSockets,
  lendListener,
  lendSockets,
  queriesRead,
  untilServed,
} from './dns/ports-sockets.ts'
import { dnsShared } from './dns/shared.ts'
import { type DataDirFault, type DataDirLock, lockDataDir } from './registry/ports-lock.ts'
import { type ActorConfigs, byChild, configsOf, overwatchOf, type Process } from './roster.ts'
import type { ReloadCounts } from './shell/contract.ts'
import type { ProcessFacts, Stage } from './stage.ts'

/** What main holds of DNS, opened here or inherited. */
interface Held extends Omit<LentSockets, 'close'> {
  readonly listener: number | undefined
  readonly before: Inherited | undefined
}

function open({ config }: Loaded): Held {
  const { listen_address: listenAddress, threads, batch_size: batchSize } = config.dns
  const lent = lendSockets({ listenAddress, threads, batchSize })
  return { ...lent, listener: lendListener(lent.threads[0] ?? []), before: undefined }
}

/** The sockets of the process that runs, which goes on to answer from them. */
function inherit({ config }: Loaded): Held | undefined {
  const { listen_address: listenAddress, batch_size: batch } = config.dns
  const taken = takeSockets(config.overwatch.data_dir, batch)
  if (!taken.ok) throw new Error(`the running process cannot be replaced: ${taken.error}`)
  const before = taken.value
  if (before === undefined) return undefined
  const { threads, listener } = before
  const notes = [`taking the place of process ${before.process}`]
  return { threads, listener, notes: [...notes, ...moved(threads, listenAddress)], before }
}

/** A listen address of the file that differs from that of the sockets waits for a real start. */
function moved(threads: Inherited['threads'], listenAddress: string): string[] {
  const first = threads[0]?.[0]
  const isSame =
    listenAddress === `:${first?.port}` ||
    listenAddress === `${first?.host}:${first?.port}` ||
    listenAddress === `[${first?.host}]:${first?.port}`
  if (isSame) return []
  return [`dns.listen_address ${listenAddress} needs a restart; the sockets stay where they are`]
}

type Lock = Result<DataDirLock, DataDirFault>

/** The lock of the data directory, once the process before has let go of it. */
async function lockOf(dataDir: string, before: Inherited | undefined): Promise<Lock> {
  if (before !== undefined && !(await before.release())) {
    throw new Error(`process ${before.process} did not let go of "${dataDir}"; it goes on`)
  }
  return await lockDataDir(dataDir)
}

/** The DNS configurations under which connections may end by themselves. */
const lingering = ({ dns, ...others }: ActorConfigs): ActorConfigs => ({
  ...others,
  dns: dns.map((one) => ({
    ...one,
    tcp: { ...one.tcp, lingerMs: limits.handoverLingerMs.default },
  })),
})

/** Rejects with a fault an operator can act on: an address or the data directory is taken. */
export async function overwatchStage(
  loaded: Loaded,
  facts: ProcessFacts,
  reloads: ReloadCounts,
): Promise<Stage> {
  const { config, topology } = loaded
  const dataDir = config.overwatch.data_dir
  const held = (facts.takeOver === true ? inherit(loaded) : undefined) ?? open(loaded)
  const { threads, listener, before } = held
  const shared = dnsShared(facts.randomBytes)
  const self: Process = {
    ...facts,
    sockets: threads,
    listener,
    tookOver: before !== undefined,
    dnsAddress: config.dns.listen_address,
    ...shared,
    ...(before === undefined ? {} : { cookieSecret: before.cookieSecret }),
    ...(isClustered(config) ? { lease: leaseMemory() } : {}),
  }
  const taken = await lockOf(dataDir, before)
  if (!taken.ok) {
    closeLent(threads, listener)
    throw new Error(taken.error.message)
  }
  let lock = taken.value
  let latest = configsOf(loaded, self, reloads)
  let withdraw = () => {}
  // A follower refuses, which is its work done: any answer of it is one.
  const apex = isClustered(config) ? '' : (topology.zones[0]?.apex ?? '')
  const ask = () => askDns(self.dnsAddress, apex, limits.watchdogAskMs.default)
  let readBefore = 0

  /** Everything but answering stops, and the data directory is free. */
  const release = async (system: System) => {
    await system.pause(new Set(['dns']))
    lock.release()
  }
  const resume = async (system: System) => {
    const again = await lockDataDir(dataDir)
    if (!again.ok) throw new Error(again.error.message)
    lock = again.value
    await system.resume()
  }

  return {
    system: overwatchOf(latest, self),
    notes: held.notes,
    configs: (next, counts) => {
      latest = configsOf(next, self, counts)
      return byChild(latest)
    },
    serving: async () => {
      // The process before answers too, so that an answer would prove nothing.
      const isUp = before === undefined ? untilServing(self.dnsAddress, apex) : untilServed(threads)
      return (await isUp) ? undefined : 'DNS does not answer yet'
    },
    isAlive: async () => {
      const read = queriesRead(threads)
      const isBusy = read !== readBefore
      readBefore = read
      // A server that works through a flood may drop our question; that it reads is proof enough.
      return isBusy || (await ask()).code === 'answered'
    },
    offer: async (system, leave, log) => {
      const gift = { threads, listener, cookieSecret: self.cookieSecret }
      const giver = {
        release: () => {
          log.info('another process takes over')
          return release(system)
        },
        resume: async () => {
          log.warn('the process that wanted to take over is gone; this one goes on')
          await resume(system).catch((error: Error) => {
            log.error('cannot go on after all', { error: error.message })
            leave(0)
          })
        },
        leave: (successor: number) => {
          system.reconfigure(byChild(lingering(latest)))
          leave(successor)
        },
      }
      withdraw = await offerSockets(dataDir, gift, giver, (note) => log.warn(note))
    },
    ...(before === undefined ? {} : { replaced: before.serving }),
    close: () => {
      withdraw()
      closeLent(threads, listener)
      lock.release()
    },
  }
}
