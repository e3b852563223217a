/**
 * deploy/scripts/rolling-update.sh at work on a cluster site: what it updates is stopped by SIGTERM
 * and started again, or told to replace itself as the package does it.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterSite } from './cluster-site.ts'
import { projectRoot } from './program.ts'

export interface RollingUpdate {
  /** What the script wrote. */
  readonly said: string
  /** Nodes as they were restarted. */
  readonly order: readonly number[]
  readonly code: number | null
}

class Script {
  said = ''
  /** Undefined while it runs. */
  code: number | null | undefined

  constructor(site: ClusterSite, nodes: readonly number[], command: string, waitSeconds = 120) {
    const script = join(projectRoot, 'deploy/scripts/rolling-update.sh')
    const urls = nodes.map((node) => `http://${site.address(node)}:8080`)
    const [program, ...words] = [...site.lab.hub, script, command, ...urls]
    const env = { ...process.env, WAIT: String(waitSeconds) }
    const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'pipe'], env })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.said += chunk.toString()
      })
    child.on('close', (status) => {
      this.code = status
    })
  }
}

export async function rollingUpdate(
  site: ClusterSite,
  nodes: readonly number[],
): Promise<RollingUpdate> {
  const flags = mkdtempSync(join(tmpdir(), 'opengslb-rolling-'))
  const flag = `${flags}/$NODE_HOST`
  const script = new Script(site, nodes, `touch ${flag}; while [ -e ${flag} ]; do sleep 0.1; done`)
  const order: number[] = []
  while (script.code === undefined) {
    for (const host of existsSync(flags) ? readdirSync(flags) : []) {
      const node = nodes.find((one) => site.address(one) === host)!
      order.push(node)
      await site.program(node).stop()
      site.start(node)
      await site.program(node).logged('OpenGSLB running', 60_000)
      rmSync(join(flags, host))
    }
    await sleep(50)
  }
  rmSync(flags, { recursive: true, force: true })
  return { said: script.said, order, code: script.code }
}

/** By a command that returns once a node was told to replace itself, when nothing is done yet. */
export async function rollingReplacement(
  site: ClusterSite,
  nodes: readonly number[],
  waitSeconds?: number,
): Promise<Omit<RollingUpdate, 'order'>> {
  const folders = mkdtempSync(join(tmpdir(), 'opengslb-rolling-'))
  for (const node of nodes)
    symlinkSync(site.program(node).folder, join(folders, site.address(node)))
  const command = `kill -s USR2 "$(cat "${folders}/$NODE_HOST/data/owner.pid")"`
  const script = new Script(site, nodes, command, waitSeconds)
  while (script.code === undefined) await sleep(50)
  rmSync(folders, { recursive: true, force: true })
  return { said: script.said, code: script.code }
}
