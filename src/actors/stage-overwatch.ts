/**
 * The overwatch: registry, DNS threads, prober, gossip, API.
 *
 * Main opens the sockets of DNS and lends them, so that no thread's end loses them, and holds the
 * lock of the data directory. A process that takes the place of another is given both by it; see
 * dns/ports-handover.ts.
 */
import { limits } from '../core/base/limits.ts'
import { noteMemory, readNote } from '../core/base/note.ts'
import type { Result } from '../core/base/result.ts'
import { leaseMemory } from '../core/cluster/lease.ts'
import { isClustered } from '../core/config/clustered.ts'
import type { Loaded } from '../core/config/load.ts'
import type { Log } from '../kernel/log.ts'
import type { System } from '../kernel/system.ts'
import { askDns } from './api/ports.ts'
import { untilServing } from './api/ports-serving.ts'
import { holdSockets, openHeld } from './dns/ports-hold.ts'
import { type Giver, type Inherited, offerSockets, takeSockets } from './dns/ports-handover.ts'
import {
  addressOf,
  closeLent,
  type LentSockets,
  lendListener,
  lendSockets,
  movedFrom,
  queriesRead,
  type SocketWish,
  untilServed,
} from './dns/ports-sockets.ts'
import { dnsShared } from './dns/shared.ts'
import {
  type DataDirFault,
  type DataDirLock,
  lockAgain,
  lockDataDir,
} from './registry/ports-lock.ts'
import { type ActorConfigs, byChild, configsOf, overwatchOf, type Process } from './roster.ts'
import type { ReloadCounts } from './shell/contract.ts'
import type { ProcessFacts, Stage } from './stage.ts'

/** What main holds of DNS, opened here or inherited. */
interface Held extends Omit<LentSockets, 'close'> {
  readonly listener: number | undefined
  readonly before: Inherited | undefined
}

const wishOf = ({
  listen_address: listenAddress,
  threads,
  batch_size: batchSize,
}: Loaded['config']['dns']): SocketWish => ({ listenAddress, threads, batchSize })

function open({ config }: Loaded): Held {
  const lent = lendSockets(wishOf(config.dns))
  return { ...lent, listener: lendListener(lent.threads[0] ?? []), before: undefined }
}

/** The same where a process that was killed may hold its sockets for a moment longer. */
const openAfter = (loaded: Loaded): Promise<Held> =>
  openHeld(
    () => open(loaded),
    // Nothing was opened, and not for want of the addon.
    ({ fault }) => fault !== undefined && fault !== 'unsuitable',
  )

/** The sockets of the process that runs, which goes on to answer from them. */
function inherit({ config }: Loaded): Held | undefined {
  const taken = takeSockets(config.overwatch.data_dir, config.dns.batch_size)
  if (!taken.ok) throw new Error(`the running process cannot be replaced: ${taken.error}`)
  const before = taken.value
  if (before === undefined) return undefined
  const { threads, listener } = before
  const notes = [`taking the place of process ${before.process}`]
  return { threads, listener, notes: [...notes, ...movedFrom(threads, wishOf(config.dns))], before }
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

/** What changes while the process lives. */
interface Kept {
  lock: DataDirLock
  latest: ActorConfigs
  /** No successor is listened to from then on. */
  withdraw: () => void
}

/** What this process does when another one takes its place. */
function giverOf(
  dataDir: string,
  kept: Kept,
  system: System,
  leave: (successor: number) => void,
  log: Log,
): Giver {
  return {
    // Everything but answering stops, and the data directory is free.
    release: async () => {
      log.info('another process takes over')
      await system.pause(new Set(['dns']))
      kept.lock.release()
    },
    resume: async () => {
      log.warn('the process that wanted to take over is gone; this one goes on')
      const again = await lockAgain(dataDir, limits.handoverAskMs.default)
      if (!again.ok) {
        log.error('it cannot go on after all', { error: again.error.message })
        return leave(0)
      }
      kept.lock = again.value
      await system.resume()
    },
    leave: (successor) => {
      system.reconfigure(byChild(lingering(kept.latest)))
      leave(successor)
    },
  }
}

/** Whether queries are read, or our own question is answered. */
function lifeOf(threads: Held['threads'], address: string, apex: string): () => Promise<boolean> {
  let readBefore = 0
  return async () => {
    const read = queriesRead(threads)
    const isBusy = read !== readBefore
    readBefore = read
    // A server that works through a flood may drop our question; that it reads is proof enough.
    if (isBusy) return true
    return (await askDns(address, apex, limits.watchdogAskMs.default)).code === 'answered'
  }
}

/** Rejects with a fault an operator can act on: an address or the data directory is taken. */
export async function overwatchStage(
  loaded: Loaded,
  facts: ProcessFacts,
  reloads: ReloadCounts,
): Promise<Stage> {
  const { config, topology } = loaded
  const dataDir = config.overwatch.data_dir
  const listenAddress = config.dns.listen_address
  const inherited = facts.takeOver === true ? inherit(loaded) : undefined
  const held = inherited ?? (isClustered(config) ? await openAfter(loaded) : open(loaded))
  const { threads, listener, before } = held
  const shared = dnsShared(facts.randomBytes)
  const cookieSecret = before?.cookieSecret ?? shared.cookieSecret
  const refusal = noteMemory()
  const self: Process = {
    refusal,
    ...facts,
    ...shared,
    cookieSecret,
    sockets: threads,
    listener,
    tookOver: before !== undefined,
    dnsAddress: before === undefined ? listenAddress : addressOf(threads[0]!, listenAddress),
    ...(isClustered(config) ? { lease: leaseMemory() } : {}),
  }
  const lock = await lockOf(dataDir, before)
  if (!lock.ok) {
    closeLent(threads, listener)
    throw new Error(lock.error.message)
  }
  const letGo = isClustered(config) ? holdSockets(threads) : () => {}
  const kept: Kept = {
    lock: lock.value,
    latest: configsOf(loaded, self, reloads),
    withdraw: () => {},
  }
  // A follower refuses every query, so in cluster mode any reply at all shows that it serves.
  const apexes = isClustered(config) ? [] : topology.zones.map(({ apex }) => apex)
  return {
    system: overwatchOf(kept.latest, self),
    notes: held.notes,
    configs: (next, counts) => {
      kept.latest = configsOf(next, self, counts)
      return byChild(kept.latest)
    },
    serving: async () => {
      // The process before answers too, so that an answer would prove nothing.
      const reason = () => readNote(refusal)
      const isRefused = () => reason() !== undefined
      const isUp =
        before === undefined
          ? untilServing(self.dnsAddress, apexes, isRefused)
          : untilServed(threads, isRefused)
      if (await isUp) return undefined
      return isRefused() ? `DNS does not answer: ${reason()}` : 'DNS does not answer yet'
    },
    isAlive: lifeOf(threads, self.dnsAddress, apexes[0] ?? ''),
    offer: async (system, leave, log) => {
      const gift = { threads, listener, cookieSecret }
      const giver = giverOf(dataDir, kept, system, leave, log)
      kept.withdraw = await offerSockets(dataDir, gift, giver, (note) => log.warn(note))
    },
    ...(before === undefined ? {} : { replaced: before.serving }),
    close: () => {
      kept.withdraw()
      letGo()
      closeLent(threads, listener)
      kept.lock.release()
    },
  }
}
