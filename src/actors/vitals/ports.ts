/**
 * The machine the agent runs on, for the vitals actor.
 */
import type { VitalsConfig, VitalsPorts } from './contract.ts'
import { loadDrains, saveDrains, setAside, watchDrainFile } from './ports-drains.ts'
import { errorReader } from './ports-errors.ts'
import { machineReader } from './ports-machine.ts'
import { openTcpTable, whereabouts } from './ports-table.ts'

/** `close` gives back what an actor that fell left open. */
export function openPorts(config: Pick<VitalsConfig, 'cgroup'>): VitalsPorts & { close(): void } {
  const open = new Set<() => void>()
  const held = (close: () => void) => {
    const once = () => {
      if (open.delete(once)) close()
    }
    open.add(once)
    return once
  }
  return {
    readMachine: machineReader({
      proc: '/proc',
      cgroups: '/sys/fs/cgroup',
      cgroup: config.cgroup ?? '',
      monotonicMs: () => performance.now(),
    }),
    readErrors: errorReader(),
    watchDrainFile: (path, seen) => held(watchDrainFile(path, seen)),
    loadDrains,
    saveDrains,
    setAside,
    openTcpTable: () => {
      const table = openTcpTable()
      return { ...table, close: held(() => table.close()) }
    },
    whereabouts,
    close: () => {
      for (const close of [...open]) close()
    },
  }
}
