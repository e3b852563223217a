/**
 * The engine runs etcd beside this process, as the cluster actor asks it to.
 *
 * It runs on the main thread, since a child must not end with an actor's thread, and knows nothing
 * of clusters: when etcd is started, and with what, is decided by the cluster actor.
 */
import { limits } from '../../core/base/limits.ts'
import { versionFault } from '../../core/cluster/engine.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import { defineActor } from '../define.ts'
import type { EngineConfig, EnginePorts } from './contract.ts'
import { engineMetrics } from './metrics.ts'

type Order = MessageOf<ProductCatalogue, 'cluster.start-engine'>
type Reply = ReplyOf<ProductCatalogue, 'cluster.start-engine'>

const refused = (outcome: Reply['outcome'], message: string, version = ''): Reply => ({
  ...{ outcome, message, version },
  pid: 0,
})

/** What is known of the program before it is started; `fault` is why it cannot be. */
interface Found {
  readonly outcome: 'found' | 'not-found' | 'bad-version'
  readonly fault: string
  readonly version: string
}

async function find(ports: EnginePorts, binary: string): Promise<Found> {
  const said = await ports.version(binary)
  if (said === undefined) {
    const where = `${JSON.stringify(binary)} is no program that runs here`
    const hint = 'install etcd (Debian: etcd-server) or set cluster.raft.etcd_path'
    return { outcome: 'not-found', fault: `${where}: ${hint}`, version: '' }
  }
  const version = /(\d+\.\d+\.\d+\S*)/.exec(said)?.[1] ?? said.slice(0, 64)
  const fault = versionFault(version)
  if (fault === undefined) return { outcome: 'found', fault: '', version }
  return { outcome: 'bad-version', fault: `${binary}: ${fault}`, version }
}

async function start(ports: EnginePorts, { binary, args, folder, watcher }: Order): Promise<Reply> {
  const found = await find(ports, binary)
  const { version } = found
  if (found.outcome !== 'found') return refused(found.outcome, found.fault, version)
  const outcome = await ports.start({ command: binary, args, folder, watcher })
  if (!('message' in outcome))
    return { outcome: outcome.code, message: '', pid: outcome.pid, version }
  return refused(outcome.code, `${binary} does not start: ${outcome.message}`, version)
}

export const engine = defineActor('engine', (ctx, ports: EnginePorts, _config: EngineConfig) => {
  const meters = engineMetrics(ctx.metrics, () => ports.read())
  return {
    receive: {
      'cluster.find-engine': async ({ binary }) => {
        const { fault, version } = await find(ports, binary)
        return { message: fault, version }
      },
      'cluster.start-engine': async (order) => {
        const reply = await start(ports, order)
        if (reply.outcome === 'started') {
          meters.started()
          ctx.log.info('etcd started', { pid: reply.pid, version: reply.version })
        }
        return reply
      },
      'cluster.read-engine': () => {
        const { state, ...rest } = ports.read()
        const { pid = 0, lines = [] } = rest as { pid?: number; lines?: readonly string[] }
        return { state, pid, lines }
      },
      'cluster.stop-engine': async () => {
        await ports.stop(limits.clusterEngineStopMs.default)
        return { state: ports.read().state === 'absent' ? 'absent' : 'ended' }
      },
    },
    // The last to stop. The cluster actor ended it already, unless that one was killed.
    onStop: () => ports.stop(limits.clusterEngineStopMs.default),
  }
})
