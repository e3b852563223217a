/**
 * Loads an actor and its ports, and joins them in a host.
 *
 * Used on worker threads and on the main thread alike, so that an actor cannot tell where it runs.
 */
import { seededRandom } from '../core/base/random.ts'
import { type Codec, codecOf } from '../messages/codec.ts'
import type { Catalogue } from '../messages/entry.ts'
import { ActorHost } from './actor-host.ts'
import { realClock } from './clock-real.ts'
import type { FromActor } from './control.ts'
import { isActor } from './erased.ts'
import type { Log } from './log.ts'
import { prometheusMetrics } from './metrics-prometheus.ts'
import { loadModule } from './modules.ts'
import { roleOf } from './role.ts'

export interface BootOptions {
  readonly catalogue: Catalogue
  /** Of the child; its role is the name of the actor. */
  readonly name: string
  /** The module that exports the actor's definition under its own name. */
  readonly actorUrl: string
  /** The module that exports `openPorts(config, { log })`. */
  readonly portsUrl: string
  readonly config: unknown
  readonly incarnation: number
  readonly seed: number
  readonly log: Log
  readonly report: (message: FromActor) => void
  readonly pollControl?: () => void
}

export interface PortsContext {
  readonly log: Log
}

/** A module that opens the real world for an actor. Ports may have a `close`. */
type OpenPorts = (config: unknown, context: PortsContext) => unknown

function failStart(message: string): never {
  throw Object.assign(new Error(message), { code: 'bad-actor-module' })
}

/** A seed for one incarnation, so that two actors, or two lives of one, do not draw alike. */
function seedOf(seed: number, name: string, incarnation: number): number {
  let hash = (seed ^ Math.imul(incarnation, 0x9e3779b1)) >>> 0
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Rejects with the fault of the module or of its ports. */
export async function bootActor(options: BootOptions): Promise<ActorHost> {
  const { catalogue, name, config, incarnation, log } = options
  const actorModule = await loadModule(options.actorUrl)
  const role = roleOf(name)
  const actor = actorModule[role]
  if (!isActor(actor, role)) failStart(`${options.actorUrl} exports no actor ${role}`)
  const portsModule = (await loadModule(options.portsUrl)) as { openPorts?: OpenPorts }
  const { openPorts } = portsModule
  if (openPorts === undefined) failStart(`${options.portsUrl} exports no openPorts`)
  const ports = await openPorts(config, { log })
  const codec: Codec = codecOf(catalogue)
  return new ActorHost({
    catalogue,
    codec,
    actor,
    name,
    incarnation,
    ports,
    config,
    clock: realClock(),
    random: seededRandom(seedOf(options.seed, name, incarnation)),
    log,
    metrics: prometheusMetrics(),
    report: options.report,
    defer: (run) => void setImmediate(run),
    close: () => (ports as { close?: () => unknown } | undefined)?.close?.(),
    ...(options.pollControl === undefined ? {} : { pollControl: options.pollControl }),
  })
}
