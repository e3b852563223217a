/**
 * Reads the texts in which Linux says how busy a machine, or a container of it, is.
 *
 * cgroup v2: the kernel's Documentation/admin-guide/cgroup-v2.rst; v1: cgroup-v1/cpuacct.rst and
 * memory.rst; the machine: proc(5). A text of another form gives undefined, never a guess.
 */

/** A whole number alone on its line. */
export function numberAlone(text: string): number | undefined {
  const match = /^\s*(\d{1,20})\s*$/.exec(text)
  return match === null ? undefined : Number(match[1])
}

/** The value after a word at the start of a line: `usage_usec 123`, `MemTotal:  456 kB`. */
export function numberAfter(text: string, word: string): number | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith(word)) continue
    const match = /^[ \t]+(\d{1,20})(?: kB)?\s*$/.exec(line.slice(word.length))
    if (match !== null) return Number(match[1])
  }
  return undefined
}

export interface CpuTicks {
  readonly busy: number
  readonly total: number
}

/** Of the first line of /proc/stat; time spent waiting for disks is not busy. */
export function procStat(text: string): CpuTicks | undefined {
  const match = /^cpu +([\d ]+)$/m.exec(text)
  const ticks = (match?.[1] ?? '').trim().split(/ +/).map(Number)
  if (ticks.length < 4) return undefined
  // Guest time, from the ninth on, is part of user time already.
  const [user = 0, nice = 0, system = 0, idle = 0, waits = 0, irq = 0, soft = 0, steal = 0] = ticks
  const busy = user + nice + system + irq + soft + steal
  return { busy, total: busy + idle + waits }
}

/** Percent of the machine's memory that no new process could have. */
export function procMeminfo(text: string): number | undefined {
  const total = numberAfter(text, 'MemTotal:')
  const available = numberAfter(text, 'MemAvailable:')
  if (total === undefined || available === undefined || total === 0) return undefined
  return (100 * Math.max(0, total - available)) / total
}

/** Processors that a cpu.max (v2) allows; undefined for "max" or another form. */
export function cpuMax(text: string): number | undefined {
  const match = /^(\d{1,15}) (\d{1,15})\s*$/.exec(text)
  return match === null ? undefined : coresOf(Number(match[1]), Number(match[2]))
}

/** Processors that a quota in a period allows; undefined where there is no quota. */
export function coresOf(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined
}

export interface CgroupPaths {
  /** Path in the one hierarchy of version 2. */
  readonly unified?: string
  /** Paths of version 1, by controller. */
  readonly controllers: ReadonlyMap<string, string>
}

/** Reads /proc/self/cgroup (cgroups(7)): `id:controllers:path`, with id 0 for version 2. */
export function cgroupPaths(text: string): CgroupPaths {
  const controllers = new Map<string, string>()
  let unified: string | undefined
  for (const line of text.split('\n').slice(0, 256)) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line)
    if (match === null || match[3]!.split('/').includes('..')) continue
    if (match[2] === '') unified = match[3]!
    else for (const name of match[2]!.split(',')) controllers.set(name, match[3]!)
  }
  return { controllers, ...(unified === undefined ? {} : { unified }) }
}

/** More than any machine has: version 1 writes a number near 2^63 for "no limit". */
const NO_LIMIT_BYTES = 2 ** 60

/** Percent of a limit in use, without what the kernel can drop at once; undefined without one. */
export function memoryShare(
  used: number | undefined,
  inactiveFile: number | undefined,
  limit: number | undefined,
): number | undefined {
  if (used === undefined || limit === undefined || limit <= 0 || limit >= NO_LIMIT_BYTES)
    return undefined
  return Math.min(100, (100 * Math.max(0, used - (inactiveFile ?? 0))) / limit)
}
