/**
 * deploy/scripts/rolling-update.sh at work on a cluster site: what it updates is stopped by SIGTERM
 * and started again.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
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

export async function rollingUpdate(
  site: ClusterSite,
  nodes: readonly number[],
): Promise<RollingUpdate> {
  const flags = mkdtempSync(join(tmpdir(), 'opengslb-rolling-'))
  const flag = `${flags}/$NODE_HOST`
  const command = `touch ${flag}; while [ -e ${flag} ]; do sleep 0.1; done`
  const script = join(projectRoot, 'deploy/scripts/rolling-update.sh')
  const urls = nodes.map((node) => `http://${site.address(node)}:8080`)
  const [program, ...words] = [...site.lab.hub, script, command, ...urls]
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  let code: number | null | undefined
  child.on('close', (status) => {
    code = status
  })
  const order: number[] = []
  while (code === undefined) {
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
  return { said, order, code }
}
