/**
 * Starts toy actors on real threads with the built runtime.
 *
 * The types come from the sources and the code from `dist/`, which `npm run build` makes.
 */
import { existsSync } from 'node:fs'
import type { AnyCtx } from '../../../src/kernel/erased.ts'
import type { ChildSpec, System, SystemOptions } from '../../../src/kernel/system.ts'
import type { Catalogue } from '../../../src/messages/entry.ts'
import { type LogLine, recordingLog } from '../ctx.ts'

/** Set to try another build than the one in the tree. */
const distUrl = process.env['OPENGSLB_DIST'] ?? new URL('../../../dist/', import.meta.url).href
const toysUrl = new URL('./toys.mjs', import.meta.url)

export interface ThreadedToys {
  readonly system: System
  readonly logs: LogLine[]
  /** The ctx of the `tester` actor, which runs on the main thread. */
  readonly ctx: AnyCtx
  /** Peers the tester was told of, in order. */
  readonly peers: string[]
}

const hostOf = (name: string, config: unknown): ChildSpec['host'] => {
  if (name === 'tester') return 'main'
  return (config as { pooled?: boolean }).pooled === true ? 'pool' : 'worker'
}

const child = (name: string, config: unknown): ChildSpec => ({
  name,
  actorUrl: toysUrl,
  portsUrl: toysUrl,
  config,
  host: hostOf(name, config),
  escalate: name.startsWith('echo'),
})

export async function startToys(
  catalogue: Catalogue,
  configs: Readonly<Record<string, unknown>>,
  logFile = '/dev/null',
  watch?: SystemOptions['watch'],
): Promise<ThreadedToys> {
  const systemUrl = new URL('kernel/system.js', distUrl)
  if (!existsSync(systemUrl)) throw new Error('dist/ is missing: run `npm run build` first')
  const { startSystem } = (await import(systemUrl.href)) as {
    startSystem: (options: SystemOptions) => Promise<System>
  }
  const logs: LogLine[] = []
  const system = await startSystem({
    catalogue,
    children: Object.entries(configs).map(([name, config]) => child(name, config)),
    log: recordingLog(logs),
    logging: { level: 'error', format: 'text', file: logFile },
    seed: 1,
    ...(watch === undefined ? {} : { watch }),
  })
  const { testerCtx, testerPeers } = globalThis as unknown as {
    testerCtx: AnyCtx
    testerPeers: string[]
  }
  return { system, logs, ctx: testerCtx, peers: testerPeers }
}

/** Polls until it holds; the deadline only bounds a failing test. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 5_000) {
  const endMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not so within ${withinMs} ms: ${holds}`)
    await new Promise((resolve) => void setTimeout(resolve, 5))
  }
}
