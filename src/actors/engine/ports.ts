/**
 * Processes of the machine, for the engine actor.
 *
 * The table of processes belongs to the main thread and not to an incarnation of the actor: etcd
 * runs on while the actor is started again.
 */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import { SOCKET } from '../../core/cluster/engine.ts'
import { Children, diesWithUs } from './ports-children.ts'
import type { Log } from '../../kernel/log.ts'
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

/** Removes a socket that a killed etcd left behind; one that somebody hears stays where it is. */
const clearSocket = (path: string) =>
  new Promise<void>((resolve) => {
    const probe = connect(path)
    probe.on('connect', () => {
      probe.destroy()
      resolve()
    })
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') rmSync(path, { force: true })
      resolve()
    })
  })

export function openPorts(_config: unknown, { log }: { log: Log }): EnginePorts {
  children ??= new Children()
  const all = children
  return {
    start: async (spec) => {
      if (all.read(NAME).state !== 'running') await clearSocket(join(spec.folder, SOCKET))
      const started = await all.start(NAME, spec, {
        heard: (line) => log.debug('etcd says', { line }),
        watcherHeard: (line) => log.warn('the watcher of this node says', { line }),
      })
      if (started.code === 'started' && !diesWithUs())
        log.warn('etcd outlives this process where that is killed, and holds its ports', {
          hint: 'install setpriv (Debian: util-linux)',
        })
      return started
    },
    read: () => all.read(NAME),
    stop: (graceMs) => all.stop(NAME, graceMs),
    version: versionOf,
  }
}
