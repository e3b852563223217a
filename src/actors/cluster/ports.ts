/**
 * The real world of the cluster actor: etcd by HTTP, the door, and a few files.
 */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { DATA_FOLDER } from '../../core/cluster/engine.ts'
import type { ClusterPorts, Gateway } from './contract.ts'
import { knock, listen, openDoor } from './ports-door.ts'
import { openGateway } from './ports-gateway.ts'
import { saveSnapshot } from './ports-snapshot.ts'
import { openBeat, watcherOf } from './ports-watch.ts'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`)

/** The message of what failed, or undefined. */
async function attempt(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** The first of IPv4; else of IPv6, where one of a link alone is of no use to others. */
export function ownAddressOf(interfaces: ReturnType<typeof networkInterfaces>): string {
  const all = Object.values(interfaces).flatMap((list) => list ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
  const first = outside.find(({ family }) => family === 'IPv4') ?? outside[0]
  return first?.address ?? ''
}

export function openPorts(): ClusterPorts {
  const open = new Set<Gateway>()
  let closeBeat = () => {}
  return {
    gateway: (to) => {
      const gateway = openGateway(to)
      open.add(gateway)
      return gateway
    },
    knock,
    openDoor,
    listen,
    // A start that was refused leaves the folder above it.
    hasData: (folder) => existsSync(join(folder, DATA_FOLDER, 'member', 'wal')),
    prepare: (folder) =>
      attempt(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        // The socket of clients lies in it, and only that keeps others of this host out.
        await chmod(folder, 0o700)
      }),
    watcher: watcherOf,
    openBeat: async (folder) => {
      const beat = await openBeat(folder)
      if (typeof beat === 'string') return beat
      closeBeat = beat
      return undefined
    },
    setAside: (folder) =>
      attempt(() =>
        rename(join(folder, DATA_FOLDER), join(folder, `${DATA_FOLDER}.removed-${Date.now()}`)),
      ),
    saveSnapshot,
    readText: async (path) => {
      try {
        return await readFile(path, 'utf8')
      } catch {
        return undefined
      }
    },
    writeText: (path, text) =>
      attempt(async () => {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(`${path}.new`, text, { mode: 0o600, flush: true })
        await rename(`${path}.new`, path)
      }),
    ownAddress: () => ownAddressOf(networkInterfaces()),
    close: () => {
      for (const gateway of open) gateway.close()
      open.clear()
      closeBeat()
    },
  }
}
