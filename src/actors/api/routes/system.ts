/**
 * What the process says of itself: alive, ready, its version, and the tables of contents.
 */
import { limits } from '../../../core/base/limits.ts'
import { apexesOf } from '../../../core/dnssec/serving-names.ts'
import { ask, type Context, nowText } from '../context.ts'
import type { BackendView } from '../../../messages/views.ts'
import { type HttpAnswer, json } from '../http.ts'
import { type Route, route } from '../router.ts'
import { systemOf } from './config.ts'
import { systemSchemas as schemas } from '../schemas/system.ts'

export function systemRoutes(context: Context): Route[] {
  const { config, ctx, ports } = context
  const readiness = new Readiness(context)
  const uptimeSeconds = () => Math.floor((ctx.clock.nowMs() - config().startedAtMs) / 1_000)

  return [
    ...['/live', '/api/v1/live'].map((path) =>
      route('GET', path, 'Whether the process runs', () => json(200, { alive: true }), {
        open: true,
        schema: schemas.live,
      }),
    ),
    ...['/ready', '/api/v1/ready'].map((path) =>
      route(
        'GET',
        path,
        'Whether it answers DNS by known health',
        async () => readyAnswer(await readiness.state(), lateChecks(context)),
        { open: true, schema: schemas.ready },
      ),
    ),
    route(
      'GET',
      '/api/health',
      'Status, version and uptime',
      async () => {
        const { dnsReady, healthReady } = await readiness.state()
        const isWell = healthReady && lateChecks(context) === 0
        const status = !dnsReady ? 'unhealthy' : isWell ? 'healthy' : 'degraded'
        const { version, mode } = config()
        return json(200, {
          status,
          version,
          mode,
          uptime_seconds: uptimeSeconds(),
          timestamp: nowText(context),
        })
      },
      { open: true, schema: schemas.health },
    ),
    route(
      'GET',
      '/api/v1/version',
      'Version and platform',
      () =>
        json(200, {
          version: config().version,
          // Clients of the original read this key; there is no Go here.
          go_version: 'n/a',
          node_version: ports.nodeVersion,
          platform: ports.platform,
          dns_front: config().dnsFront,
          generated_at: nowText(context),
        }),
      { open: true, schema: schemas.version },
    ),
  ]
}

interface ReadyState {
  readonly dnsReady: boolean
  readonly healthReady: boolean
  /** Names that the guard-rail keeps servers for. */
  readonly heldDomains: number
  /** Names of which no server serves. */
  readonly downDomains: number
}

/** As of the last sample: whoever asks whether we are ready does not wait for the prober. */
const lateChecks = ({ sampling }: Context): number => sampling.checks?.late ?? 0

/**
 * A name whose servers are all down does not make the node unready: every other node comes to the
 * same verdict, so to take this one away would cost the names that are well and help nobody.
 * Checks that are late leave what is known of health as it was.
 */
function readyAnswer(state: ReadyState, lateCount: number): HttpAnswer {
  const { dnsReady, healthReady, heldDomains, downDomains } = state
  const ready = dnsReady && healthReady
  const message = !dnsReady
    ? 'DNS server not ready'
    : !healthReady
      ? 'health checks not ready'
      : undefined
  const body = { ready, message, dns_ready: dnsReady, health_ready: healthReady }
  // Anybody may ask this, so it says how many names are held, and not which.
  const held = heldDomains > 0 ? { guard_rail_domains: heldDomains } : {}
  const down = downDomains > 0 ? { down_domains: downDomains } : {}
  const late = lateCount > 0 ? { late_checks: lateCount } : {}
  const told = { ...body, ...held, ...down, ...late }
  return json(ready ? 200 : 503, told, ready ? {} : { 'retry-after': '1' })
}

function downOf(backends: readonly BackendView[]): number {
  const serves = new Map<string, boolean>()
  for (const { service, serving } of backends)
    serves.set(service, serving || serves.get(service) === true)
  return [...serves.values()].filter((one) => !one).length
}

/** Asks our own DNS and the registry, at most once in a while however many ask us. */
class Readiness {
  readonly #context: Context
  #asking: Promise<ReadyState> | undefined
  #state: ReadyState = { dnsReady: false, healthReady: false, heldDomains: 0, downDomains: 0 }
  #freshUntilMs = Number.NEGATIVE_INFINITY

  constructor(context: Context) {
    this.#context = context
  }

  async state(): Promise<ReadyState> {
    const { clock } = this.#context.ctx
    if (clock.monotonicMs() < this.#freshUntilMs) return this.#state
    this.#asking ??= this.#ask().then((state) => {
      this.#state = state
      this.#freshUntilMs = clock.monotonicMs() + limits.readyCacheMs.default
      this.#asking = undefined
      return state
    })
    return await this.#asking
  }

  async #ask(): Promise<ReadyState> {
    const { config, ports } = this.#context
    const { dnsAddress } = config()
    const name = this.#probeName()
    const [dns, backends] = await Promise.all([
      ports.askDns(dnsAddress, name ?? '', limits.readyProbeMs.default),
      ask(this.#context, 'api.list-backends', {}),
    ])
    // A name may be down and its answer SERVFAIL; that the server answered is what counts here.
    // A follower refuses (rcode 5), and so does one without any zone; both are as ready as can be.
    const mayRefuse = name === undefined || config().mode === 'cluster'
    const isAnswer = (rcode: number) => rcode === 0 || (rcode === 5 && mayRefuse)
    const dnsReady = dns.code === 'answered' && (isAnswer(dns.rcode) || dns.authoritative)
    if (!backends.ok) return { dnsReady, healthReady: false, heldDomains: 0, downDomains: 0 }
    const { settled, holds } = backends.value
    const heldDomains = new Set(holds.map((hold) => hold.domain)).size
    const downDomains = settled ? downOf(backends.value.backends) : 0
    return { dnsReady, healthReady: settled, heldDomains, downDomains }
  }

  /**
   * An apex of what is served now, which an edit by the API may have changed; it exists whatever
   * the health of anybody. Undefined where nothing is served.
   */
  #probeName(): string | undefined {
    const { config, epochs } = this.#context
    const table = epochs.newest?.table
    return table === undefined ? config().probeName : apexesOf(table)[0]
  }
}

/** The tables of contents, made from the routes there are. */
export function indexRoutes(context: Context, others: readonly Route[]): Route[] {
  const entries = (prefix: string) => {
    const byPath = new Map<string, { path: string; description: string; methods: string[] }>()
    for (const { pattern, method, doc } of others) {
      if (!pattern.startsWith(`${prefix}/`)) continue
      const entry = byPath.get(pattern) ?? { path: pattern, description: doc, methods: [] }
      entry.methods.push(method)
      byPath.set(pattern, entry)
    }
    return [...byPath.values()]
  }
  const versions = [
    { path: '/api/v1', description: 'The first version of the API', methods: ['GET'] },
    { path: '/api/health', description: 'Status, version and uptime', methods: ['GET'] },
  ]
  const told = (path: string) => ({ endpoints: entries(path), generated_at: nowText(context) })
  const index = (path: string, doc: string) =>
    route('GET', path, doc, () => json(200, told(path)), { open: true, schema: schemas.index })
  return [
    route(
      'GET',
      '/api',
      'Versions of the API',
      () => json(200, { versions, generated_at: nowText(context) }),
      { open: true, schema: schemas.versions },
    ),
    index('/api/v1', 'Every endpoint'),
    index('/api/v1/health', 'Health of servers and regions'),
    index('/api/v1/overwatch', 'State of backends'),
    index('/api/v1/routing', 'How answers are chosen'),
    index('/api/v1/geo', 'Where clients are'),
    index('/api/v1/cluster', 'The nodes of the cluster'),
    index('/api/v1/nodes', 'Overwatches and agents'),
    index('/api/v1/gossip', 'Who gossips, and how'),
    // The original answers with what is under /system, so this one is not open to strangers.
    route(
      'GET',
      '/api/v1/config',
      'How this node is set up',
      () => json(200, { config: systemOf(context), ...told('/api/v1/config') }),
      { schema: schemas.config },
    ),
  ]
}
