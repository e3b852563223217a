/**
 * The world of the latency actor: the kernel's TCP table, and the file of an overwatch's rows.
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { LatencyPorts, TcpTimes } from './contract.ts'
import { openTcp } from './ports-tcp.ts'

async function load(path: string): Promise<Uint8Array | 'absent' | 'unreadable'> {
  try {
    const { size } = await stat(path)
    return size > limits.latencyFileBytes.default ? 'unreadable' : await readFile(path)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'unreadable'
  }
}

/** Written beside itself and moved in place: a crash leaves the old file or the new one. */
async function save(path: string, octets: Uint8Array): Promise<boolean> {
  const beside = `${path}.next`
  try {
    await rm(beside, { force: true })
    const file = await open(beside, 'wx', 0o600)
    try {
      await file.writeFile(octets)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return true
  } catch {
    return false
  }
}

/** Of files that cannot be taken up: the next one saved does not take their place. */
async function setAside(path: string): Promise<string | undefined> {
  const kept = `${path}.damaged`
  try {
    await rename(path, kept)
    return kept
  } catch {
    return undefined
  }
}

/** `close` gives back what an actor that fell left open. */
export function openPorts(): LatencyPorts & { close(): void } {
  const held = new Set<TcpTimes>()
  return {
    openTcp: () => {
      const opened = openTcp()
      if (!opened.ok) return opened
      const tcp = opened.value
      const close = () => {
        if (held.delete(once)) tcp.close()
      }
      const once: TcpTimes = { ...tcp, close }
      held.add(once)
      return { ok: true, value: once }
    },
    load,
    save,
    setAside,
    close: () => {
      for (const tcp of [...held]) tcp.close()
    },
  }
}
