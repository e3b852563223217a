/**
 * Processes of the machine, for the engine actor.
 *
 * The table of processes belongs to the main thread and not to an incarnation of the actor: etcd
 * runs on while the actor is started again.
 */
import { execFile } from 'node:child_process'
import { limits } from '../../core/base/limits.ts'
import { Children } from '../../kernel/children.ts'
import type { EnginePorts } from './contract.ts'

let children: Children | undefined

const NAME = 'etcd'

const versionOf = (binary: string) =>
  new Promise<string | undefined>((resolve) => {
    const options = { timeout: limits.clusterServePatienceMs.default, encoding: 'utf8' } as const
    execFile(binary, ['--version'], options, (error, stdout) =>
      resolve(error === null ? (stdout.split('\n')[0] ?? '') : undefined),
    )
  })

export function openPorts(): EnginePorts {
  children ??= new Children()
  const all = children
  return {
    start: (spec) => all.start(NAME, spec),
    read: () => all.read(NAME),
    stop: (graceMs) => all.stop(NAME, graceMs),
    version: versionOf,
  }
}
