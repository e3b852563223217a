/**
 * The machine the agent runs on, for the vitals actor.
 */
import type { VitalsConfig, VitalsPorts } from './contract.ts'
import { loadDrains, saveDrains, watchDrainFile } from './ports-drains.ts'
import { errorReader } from './ports-errors.ts'
import { machineReader } from './ports-machine.ts'
import { openTcpTable, whereabouts } from './ports-table.ts'

export function openPorts(config: Pick<VitalsConfig, 'cgroup'>): VitalsPorts {
  return {
    readMachine: machineReader({
      proc: '/proc',
      cgroups: '/sys/fs/cgroup',
      cgroup: config.cgroup ?? '',
      monotonicMs: () => performance.now(),
    }),
    readErrors: errorReader(),
    watchDrainFile,
    loadDrains,
    saveDrains,
    openTcpTable,
    whereabouts,
  }
}
