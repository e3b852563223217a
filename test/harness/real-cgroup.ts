/**
 * A control group of the kernel, of whichever version this machine has, with a limit of its own.
 * Needs root. Removed at the end, once nothing runs in it.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'
const [NAME, PERIOD_US] = [`opengslb-test-${process.pid}`, 100_000]

export class RealCgroup {
  readonly version: 1 | 2
  readonly #folders: readonly string[]

  constructor(cores: number, memoryBytes: number) {
    this.version = existsSync(join(ROOT, 'cpu/cpu.cfs_quota_us')) ? 1 : 2
    const parents = this.version === 1 ? ['cpu', 'cpuacct', 'memory'] : ['']
    // Controllers that are mounted together are one folder.
    this.#folders = parents.map((parent) => join(ROOT, parent, NAME))
    for (const folder of this.#folders) mkdirSync(folder, { recursive: true })
    const quota = String(cores * PERIOD_US)
    if (this.version === 1) {
      writeFileSync(join(ROOT, 'cpu', NAME, 'cpu.cfs_period_us'), String(PERIOD_US))
      writeFileSync(join(ROOT, 'cpu', NAME, 'cpu.cfs_quota_us'), quota)
      // It gets what its quota says also on a machine that is busy otherwise.
      writeFileSync(join(ROOT, 'cpu', NAME, 'cpu.shares'), '262144')
      writeFileSync(join(ROOT, 'memory', NAME, 'memory.limit_in_bytes'), String(memoryBytes))
    } else {
      writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+cpu +memory')
      writeFileSync(join(ROOT, NAME, 'cpu.max'), `${quota} ${PERIOD_US}`)
      writeFileSync(join(ROOT, NAME, 'cpu.weight'), '10000')
      writeFileSync(join(ROOT, NAME, 'memory.max'), String(memoryBytes))
    }
  }

  /** The process with all its threads. */
  take(pid: number): void {
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid))
  }

  holds(pid: number): boolean {
    return this.#folders.every((folder) =>
      readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').includes(String(pid)),
    )
  }

  /** False as long as something runs in it. */
  remove(): boolean {
    try {
      for (const folder of this.#folders) if (existsSync(folder)) rmdirSync(folder)
      return true
    } catch {
      return false
    }
  }
}
