/**
 * How busy this machine is, or the container the agent lives in.
 *
 * In order: the cgroup (version 2, then 1) where it has a limit of its own, since what lies outside
 * it is not ours to use; else the machine by /proc; else, on other systems, what Node.js tells.
 * Processor and memory are found apart, for a container may have a limit on one alone.
 */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import {
  cgroupPaths,
  coresOf,
  cpuMax,
  memoryShare,
  numberAfter,
  numberAlone,
  procMeminfo,
  procStat,
} from '../../core/health/predict-readings.ts'
import type { CpuReading, MachineReading } from './contract.ts'
import { readBounded } from './ports-files.ts'

export interface MachineRoots {
  /** `/proc` and `/sys/fs/cgroup`, or those of a test. */
  readonly proc: string
  readonly cgroups: string
  /** A cgroup folder to read instead of the agent's own; empty for its own. */
  readonly cgroup: string
  readonly monotonicMs: () => number
}

const read = (...parts: string[]) => readBounded(join(...parts), limits.machineFileBytes.default)

const numberIn = async (...parts: string[]) => numberAlone((await read(...parts)) ?? '')

interface Usage {
  readonly usedMs: number
  readonly cores: number | undefined
}

/** Where to look, most particular first: a container's own root shows its limits as the top. */
async function foldersOf(roots: MachineRoots, controller: string): Promise<string[]> {
  if (roots.cgroup !== '') return [roots.cgroup]
  const { unified, controllers } = cgroupPaths((await read(roots.proc, 'self/cgroup')) ?? '')
  const own = controllers.get(controller)
  return [
    ...(unified === undefined ? [] : withParents(roots.cgroups, unified)),
    // Beside hierarchies of version 1 the one of version 2 is mounted here.
    ...(unified === undefined ? [] : withParents(join(roots.cgroups, 'unified'), unified)),
    ...(own === undefined ? [] : withParents(join(roots.cgroups, controller), own)),
  ]
}

/** The folder and those above it, whose limits hold as well. */
function withParents(root: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  const folders: string[] = []
  for (let depth = Math.min(parts.length, 32); depth >= 0; depth--)
    folders.push(join(root, ...parts.slice(0, depth)))
  return folders
}

async function usage2(folder: string): Promise<Usage | undefined> {
  const stat = await read(folder, 'cpu.stat')
  const used = stat === undefined ? undefined : numberAfter(stat, 'usage_usec')
  if (used === undefined) return undefined
  return { usedMs: used / 1_000, cores: cpuMax((await read(folder, 'cpu.max')) ?? '') }
}

/** The two controllers of version 1 may be mounted together or apart. */
async function usage1(usageFolder: string, quotaFolder: string): Promise<Usage | undefined> {
  const used = await numberIn(usageFolder, 'cpuacct.usage')
  if (used === undefined) return undefined
  const quota = await numberIn(quotaFolder, 'cpu.cfs_quota_us')
  const period = await numberIn(quotaFolder, 'cpu.cfs_period_us')
  return { usedMs: used / 1e6, cores: coresOf(quota ?? 0, period ?? 0) }
}

async function memoryOf(folder: string): Promise<[number, string] | undefined> {
  const stat = await read(folder, 'memory.stat')
  if (stat === undefined) return undefined
  const two = memoryShare(
    await numberIn(folder, 'memory.current'),
    numberAfter(stat, 'inactive_file'),
    await numberIn(folder, 'memory.max'),
  )
  if (two !== undefined) return [two, 'cgroup2']
  const one = memoryShare(
    await numberIn(folder, 'memory.usage_in_bytes'),
    numberAfter(stat, 'total_inactive_file'),
    await numberIn(folder, 'memory.limit_in_bytes'),
  )
  return one === undefined ? undefined : [one, 'cgroup1']
}

interface Found<T> {
  readonly value: T
  readonly from: string
}

/** Reads the machine; one reader, so that a quota that changes is taken up from then on. */
export function machineReader(roots: MachineRoots): () => Promise<MachineReading> {
  let lastMs: number | undefined
  /** What could have been used since the first reading, in processor milliseconds. */
  let wholeMs = 0
  let readFrom = ''

  async function limited(): Promise<Found<CpuReading> | undefined> {
    const folders = await foldersOf(roots, 'cpuacct')
    const quotas = await foldersOf(roots, 'cpu')
    for (const [at, folder] of folders.entries()) {
      const two = await usage2(folder)
      const usage = two ?? (await usage1(folder, quotas[at] ?? folder))
      if (usage?.cores === undefined) continue
      const cores = Math.min(usage.cores, availableParallelism())
      const nowMs = roots.monotonicMs()
      // Another folder has another count: the next reading starts from it.
      if (readFrom !== folder) lastMs = undefined
      readFrom = folder
      if (lastMs !== undefined) wholeMs += (nowMs - lastMs) * cores
      lastMs = nowMs
      return {
        value: { busy: usage.usedMs, whole: wholeMs },
        from: two === undefined ? 'cgroup1' : 'cgroup2',
      }
    }
    return undefined
  }

  async function cpu(): Promise<Found<CpuReading>> {
    const own = await limited()
    if (own !== undefined) return own
    const ticks = procStat((await read(roots.proc, 'stat')) ?? '')
    if (ticks !== undefined)
      return { value: { busy: ticks.busy, whole: ticks.total }, from: 'proc' }
    return { value: nodeTicks(), from: 'os' }
  }

  async function memory(): Promise<Found<number>> {
    for (const folder of await foldersOf(roots, 'memory')) {
      const found = await memoryOf(folder)
      if (found !== undefined) return { value: found[0], from: found[1] }
    }
    const host = procMeminfo((await read(roots.proc, 'meminfo')) ?? '')
    if (host !== undefined) return { value: host, from: 'proc' }
    return { value: (100 * (totalmem() - freemem())) / totalmem(), from: 'os' }
  }

  return async () => {
    const processor = await cpu()
    const store = await memory()
    return {
      cpu: processor.value,
      memoryPercent: store.value,
      cpuFrom: processor.from,
      memoryFrom: store.from,
    }
  }
}

function nodeTicks(): CpuReading {
  let busy = 0
  let whole = 0
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    whole += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { busy, whole }
}
