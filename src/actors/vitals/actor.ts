/**
 * The vitals actor of an agent: how its machine fares, who declared its backends draining, and who
 * is still connected to those that drain.
 *
 * It keeps time and moves readings, nothing more: the share is decided in core/health/predict.ts,
 * drains in core/health/drains.ts, what a connection is in core/health/clients.ts.
 */
import type { LocalDrainView } from '../../messages/views.ts'
import { defineActor } from '../define.ts'
import type { VitalsConfig, VitalsPorts } from './contract.ts'
import { Declared } from './declared.ts'
import { vitalsMetrics } from './metrics.ts'
import { Readings } from './readings.ts'
import { Service } from './service.ts'
import { ClientWatch } from './watch.ts'

export const vitals = defineActor(
  'vitals',
  async (ctx, ports: VitalsPorts, started: VitalsConfig) => {
    let config = started
    const clients = new ClientWatch(ctx, ports, config.checkMarks, (backend, connections) =>
      ctx.publish('vitals.clients-counted', {
        backend,
        ...(connections === undefined ? {} : { connections }),
      }),
    )
    const service = new Service()
    const declared = new Declared(ctx, ports, config, (changes) => {
      for (const change of changes) ctx.publish('vitals.drain-changed', change)
      watchDraining()
    })
    let readings = readingsOf()
    vitalsMetrics(ctx.metrics, () => ({
      vitals: readings?.vitals,
      // A key begins with the service, which holds no colon.
      services: new Set(config.backends.map(({ key }) => key.slice(0, key.indexOf(':')))),
      draining: declared.drains.draining(),
      connections: clients.counted(),
    }))

    function watchDraining(): void {
      const draining = new Set(declared.drains.draining())
      const keys = config.backends.map(({ key }) => key)
      service.set(keys, draining, ctx.clock.nowMs())
      const wanted = config.countClients
        ? config.backends.filter(({ key }) => draining.has(key))
        : []
      clients.watch(wanted)
    }

    function readingsOf(): Readings | undefined {
      const { predictive } = config
      if (predictive === undefined) return undefined
      return new Readings(ctx, ports, config, predictive, service, (reading) =>
        ctx.publish('vitals.reading-changed', { vitals: reading }),
      )
    }

    function views(): LocalDrainView[] {
      const idle = config.backends.filter(({ key }) => declared.drains.drainOf(key) === undefined)
      const now = config.countClients && idle.length > 0 ? clients.once(idle) : new Map()
      return config.backends.map(({ key }) => {
        const drain = declared.drains.drainOf(key)
        const connections = drain === undefined ? now.get(key) : clients.of(key)
        return {
          backend: key,
          ...(drain === undefined ? {} : { drain }),
          ...(connections === undefined ? {} : { connections }),
        }
      })
    }

    await declared.start()
    return {
      receive: {
        'api.set-local-drain': ({ backends = 'all' as const, reason, untilMs }) => ({
          outcome: declared.set(backends, reason, untilMs),
          drains: views(),
        }),
        'api.lift-local-drain': ({ backends = 'all' as const }) => ({
          lifted: declared.lift(backends),
          drains: views(),
        }),
        'api.list-local-drains': () => {
          const reading = readings?.vitals
          return { drains: views(), ...(reading === undefined ? {} : { vitals: reading }) }
        },
        'prober.checks-counted': ({ counts }) => readings?.checks(counts),
        'shell.drain-signalled': (seen) => declared.signalled(seen),
        'gossip.drains-wanted': ({ drains }) => declared.ordered(drains),
        // Checks that an overwatch makes are no clients.
        'gossip.overwatches-set': ({ addresses }) => clients.leaveOut(addresses),
      },
      onPeerStarted: (peer) => {
        if (peer !== 'gossip') return
        declared.sayAgain()
        clients.sayAgain()
        readings?.sayAgain()
      },
      onReconfigured: (next) => {
        const isSame = JSON.stringify(partOf(next)) === JSON.stringify(partOf(config))
        config = next
        if (!isSame) {
          readings?.stop()
          readings = readingsOf()
        }
        declared.configure(next)
        watchDraining()
      },
      onStop: async () => {
        readings?.stop()
        clients.stop()
        await declared.stop()
      },
    }
  },
)

/** What the readings are made from: a change of it starts them anew. */
const partOf = ({ predictive, cgroup, errorSource }: VitalsConfig) => ({
  predictive,
  cgroup,
  errorSource,
})
