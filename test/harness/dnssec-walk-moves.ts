/** The moves of a walk through states of a signed site, drawn from a seed. */
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { type WalkNode, WalkSite } from './dnssec-walk-site.ts'
import { orderable, type Variant, ZONE } from './dnssec-walk-zone.ts'

const FIRST: Variant = {
  ...{ number: 1, denial: 'nsec', layout: 'csk', algorithm: 'ECDSAP256SHA256' },
  ...{ extra: 0, answers: 3 },
}
const SERVERS = 5

export class WalkMoves {
  readonly site = new WalkSite(FIRST)
  /** What brought the state about. */
  last = ''
  readonly #random: Random
  readonly #isUp = Array.from({ length: SERVERS }, () => true)
  readonly #counts = new Map<string, number>()
  readonly #refused = new Map<string, number>()
  readonly #phases = new Set<string>()

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  get summary(): string {
    const text = (map: ReadonlyMap<string, number>) =>
      [...map].map(([name, count]) => `${name} ${count}`).join(', ')
    const phases = [...this.#phases].sort().join(', ')
    return `moves: ${text(this.#counts)}; refused: ${text(this.#refused)}; phases seen: ${phases}`
  }

  /**
   * One state further.
   * @param isRelief a state in which the zone of each node can be dumped, by no draw
   */
  async step(isRelief = false): Promise<void> {
    const moves: readonly (readonly [number, string, () => Promise<string>])[] = [
      [22, 'server', () => this.#server()],
      [14, 'force', () => this.#force()],
      [16, 'unforce', () => this.#unforce()],
      [10, 'drain', () => this.#drain()],
      [13, 'undrain', () => this.#undrain()],
      [16, 'reload', () => this.#reload()],
      [8, 'roll', () => this.#roll()],
      [4, 'policy', () => this.#keyPolicy()],
      [10, 'restart', () => this.#restart()],
    ]
    let at = this.#random.below(moves.reduce((sum, [weight]) => sum + weight, 0))
    const drawn = moves.find(([weight]) => {
      at -= weight
      return at < 0
    })!
    const [, name, move] = isRelief ? ([0, 'relief', () => this.#relief()] as const) : drawn
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.last = `${name} ${await move()}`
    const isTaken = this.#random.below(2) === 0 && (await this.site.takeUp())
    if (isTaken) this.#counts.set('parent', (this.#counts.get('parent') ?? 0) + 1)
    const { keys } = await this.site.nodes[0]!.status()
    for (const { phase } of keys) this.#phases.add(phase)
    this.last += `${isTaken ? ', parent takes up' : ''}; ${keys.map((key) => key.phase).join('+')}`
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!
  }

  async #server(): Promise<string> {
    const at = this.#random.below(SERVERS)
    this.#isUp[at] = !this.#isUp[at]
    const backend = this.site.backends[at]!
    await (this.#isUp[at] ? backend.start() : backend.stop())
    await this.site.settled(this.#isUp)
    return `${at} ${this.#isUp[at] ? 'up' : 'down'}`
  }

  async #order(method: string, node: WalkNode, path: string, body?: object): Promise<string> {
    const { status, body: said } = await node.call(method, path, body)
    const kind = `${method} ${path.split('/')[1]} ${status}`
    if (status >= 300) this.#refused.set(kind, (this.#refused.get(kind) ?? 0) + 1)
    return status < 300 ? '' : ` (${status} ${JSON.stringify(said).slice(0, 200)})`
  }

  async #force(): Promise<string> {
    const [name, at] = this.#pick(orderable)
    const node = this.#pick(this.site.nodes)
    const healthy = this.#random.below(3) === 0
    const body = { reason: 'walk', source: 'walk', healthy, force: true }
    const address = encodeURIComponent(this.site.backends[at]!.address)
    const path = `/overrides/${name}.${ZONE}/${address}`
    const said = await this.#order('PUT', node, path, body)
    return `${name} ${at} ${healthy ? 'healthy' : 'sick'} at ${node.place}${said}`
  }

  async #unforce(): Promise<string> {
    const node = this.#pick(this.site.nodes)
    const { body } = await node.call('GET', '/overrides')
    const { overrides } = body as { overrides: { service: string; address: string }[] }
    if (overrides.length === 0) return await this.#force()
    const { service, address } = this.#pick(overrides)
    const path = `/overrides/${service}/${encodeURIComponent(address)}`
    return `${service} ${address} at ${node.place}${await this.#order('DELETE', node, path)}`
  }

  async #drain(): Promise<string> {
    const [name, at] = this.#pick(orderable)
    const node = this.#pick(this.site.nodes)
    const address = this.site.backends[at]!.address
    const order = { service: `${name}.${ZONE}`, address, force: true, reason: 'walk' }
    return `${name} ${at} at ${node.place}${await this.#order('POST', node, '/drains', order)}`
  }

  async #undrain(): Promise<string> {
    const node = this.#pick(this.site.nodes)
    const { body } = await node.call('GET', '/drains')
    const { drains } = body as { drains: { id: string }[] }
    if (drains.length === 0) return await this.#drain()
    const { id } = this.#pick(drains)
    const path = `/drains/${encodeURIComponent(id)}`
    return `${id} at ${node.place}${await this.#order('DELETE', node, path)}`
  }

  /** All servers are up, nothing is ordered, and denial is by a chain. */
  async #relief(): Promise<string> {
    const { site } = this
    for (const [at, isUp] of this.#isUp.entries()) if (!isUp) await site.backends[at]!.start()
    this.#isUp.fill(true)
    for (const node of site.nodes) {
      const { overrides } = (await node.call('GET', '/overrides')).body as {
        overrides: { service: string; address: string }[]
      }
      for (const { service, address } of overrides)
        await this.#order('DELETE', node, `/overrides/${service}/${encodeURIComponent(address)}`)
      const { drains } = (await node.call('GET', '/drains')).body as { drains: { id: string }[] }
      for (const { id } of drains)
        await this.#order('DELETE', node, `/drains/${encodeURIComponent(id)}`)
    }
    await site.settled(this.#isUp)
    const denial = this.#pick(['nsec', 'nsec3'] as const)
    await this.#change(site.nodes, { ...site.variant, number: site.variant.number + 1, denial })
    return `with ${denial}`
  }

  /** Another file, for all nodes or for one of them. */
  async #reload(): Promise<string> {
    const { site } = this
    const variant: Variant = {
      ...site.variant,
      number: site.variant.number + 1,
      denial: this.#pick(['nsec', 'nsec', 'nsec3', 'compact'] as const),
      extra: this.#random.below(4),
      answers: 1 + this.#random.below(4),
    }
    const nodes = this.#random.below(3) === 0 ? [this.#pick(site.nodes)] : site.nodes
    await this.#change(nodes, variant)
    return `${JSON.stringify(variant)} at ${nodes.map(({ place }) => place).join()}`
  }

  /** Other keys than there are; every node must want the same ones. */
  async #keyPolicy(): Promise<string> {
    const variant: Variant = {
      ...this.site.variant,
      number: this.site.variant.number + 1,
      layout: this.#pick(['csk', 'ksk_zsk'] as const),
      algorithm: this.#pick(['ECDSAP256SHA256', 'ED25519'] as const),
    }
    await this.#change(this.site.nodes, variant)
    return `${variant.layout} ${variant.algorithm}`
  }

  async #change(nodes: readonly WalkNode[], variant: Variant): Promise<void> {
    for (const node of nodes) this.site.configure(node, variant)
    for (const node of nodes) node.program.signal('SIGHUP')
    for (const node of nodes) await this.site.serving(node)
  }

  async #roll(): Promise<string> {
    const isEmergency = this.#random.below(4) === 0
    for (const node of this.site.nodes) {
      const { status } = await node.call('POST', '/dnssec/rollover', {
        ...{ zone: ZONE, emergency: isEmergency },
      })
      if (status < 300) return `${isEmergency ? 'in an emergency ' : ''}led by ${node.place}`
    }
    return 'refused'
  }

  async #restart(): Promise<string> {
    const node = this.#pick(this.site.nodes)
    const signal = this.#pick(['SIGTERM', 'SIGKILL'] as const)
    node.program.signal(signal)
    await node.program.exited()
    node.program.start()
    await this.site.serving(node)
    await this.site.settled(this.#isUp)
    return `of ${node.place} by ${signal}`
  }
}
