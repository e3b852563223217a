/**
 * Files of a control group, so that an agent under test reads a load that the test decides and not
 * that of the machine, whose processors a test run keeps busy.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A control group (version 2) of one processor and 1,000 bytes, for the agent to read. */
export function writeGroup(folder: string, cpuMs: number, memory: number): void {
  writeFileSync(join(folder, 'cpu.max'), '100000 100000\n')
  writeFileSync(join(folder, 'cpu.stat'), `usage_usec ${cpuMs * 1_000}\n`)
  writeFileSync(join(folder, 'memory.max'), '1000\n')
  writeFileSync(join(folder, 'memory.stat'), 'inactive_file 0\n')
  writeFileSync(join(folder, 'memory.current'), `${memory}\n`)
}
