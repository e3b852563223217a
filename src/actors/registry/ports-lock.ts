/**
 * One owner for each data directory.
 *
 * The lock is a listening socket in Linux's abstract namespace, named after the directory's device
 * and inode: the kernel lets go of it when the process dies, however it dies, and two paths to one
 * directory are one lock. The namespace is that of the network, so two containers with networks of
 * their own are not kept apart. Elsewhere than on Linux the owner's pid file is the lock, and one
 * whose process is gone counts for nothing.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { makeFolder } from './ports-folder.ts'

export interface DataDirLock {
  /** Free again at once, also for this process. */
  release(): void
}

export interface DataDirFault {
  readonly code: 'data-dir-in-use' | 'data-dir-unusable'
  /** One sentence that names the key and the path. */
  readonly message: string
}

const pidPath = (dataDir: string) => join(dataDir, 'owner.pid')

function ownerOf(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidPath(dataDir), 'utf8').trim().slice(0, 20))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function inUse(dataDir: string): DataDirFault {
  const pid = ownerOf(dataDir)
  const owner = pid === undefined ? 'another process' : `process ${pid}`
  const message =
    `overwatch.data_dir: "${dataDir}" is in use by ${owner}; ` +
    'stop it, or give each process a directory of its own'
  return { code: 'data-dir-in-use', message }
}

function listen(name: string): Promise<Result<Server, NodeJS.ErrnoException>> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => resolve(fail(error)))
    server.listen({ path: `\0${name}`, exclusive: true }, () => {
      // The lock must not keep a process alive that is done.
      server.unref()
      resolve(ok(server))
    })
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and is not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function removePid(dataDir: string): void {
  try {
    if (ownerOf(dataDir) === process.pid) unlinkSync(pidPath(dataDir))
  } catch {
    // The directory is gone or read-only: a stale pid only makes a message less exact.
  }
}

async function takeSocket(dataDir: string): Promise<Result<() => void, DataDirFault>> {
  const { dev, ino } = statSync(dataDir)
  const hash = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)
  const bound = await listen(`opengslb-data-${hash}`)
  if (bound.ok) return ok(() => void bound.value.close())
  if (bound.error.code === 'EADDRINUSE') return fail(inUse(dataDir))
  return fail(unusable(dataDir, bound.error))
}

function takePid(dataDir: string): Result<() => void, DataDirFault> {
  const pid = ownerOf(dataDir)
  return pid !== undefined && isAlive(pid) ? fail(inUse(dataDir)) : ok(() => undefined)
}

function unusable(dataDir: string, error: unknown): DataDirFault {
  const reason = error instanceof Error ? error.message : String(error)
  const message = `overwatch.data_dir: "${dataDir}" cannot be used: ${reason}`
  return { code: 'data-dir-unusable', message }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/** What stood in its way. */
function writePid(dataDir: string): unknown {
  try {
    writeFileSync(pidPath(dataDir), `${process.pid}\n`, { mode: 0o600 })
    return undefined
  } catch (error) {
    return error
  }
}

/**
 * Makes the directory if need be and takes it for this process. Called on the main thread; an empty
 * path means memory only, which needs no lock.
 */
export async function lockDataDir(dataDir: string): Promise<Result<DataDirLock, DataDirFault>> {
  if (dataDir === '') return ok({ release: () => {} })
  try {
    makeFolder(dataDir)
    const taken = process.platform === 'linux' ? await takeSocket(dataDir) : takePid(dataDir)
    if (!taken.ok) return taken
    const fault = writePid(dataDir)
    // Where a socket is the lock, the file only makes a message more exact: a full disk is no
    // reason not to start.
    if (fault !== undefined && !(process.platform === 'linux' && isFull(fault))) {
      taken.value()
      return fail(unusable(dataDir, fault))
    }
    const release = () => {
      removePid(dataDir)
      taken.value()
    }
    return ok({ release })
  } catch (error) {
    return fail(unusable(dataDir, error))
  }
}

const LOOK_MS = 50

/** The same of a process that is just ending, which may take so long for it. */
export async function lockAgain(
  dataDir: string,
  withinMs: number,
): Promise<Result<DataDirLock, DataDirFault>> {
  const untilMs = performance.now() + withinMs
  for (;;) {
    const lock = await lockDataDir(dataDir)
    if (lock.ok || performance.now() > untilMs) return lock
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
