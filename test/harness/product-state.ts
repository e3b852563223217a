/**
 * What a product at rest holds, read from outside: from its answers, its API and its disk.
 *
 * Times are left out, and with them all that depends on when and not on what.
 */
import type { Product } from './product-world.ts'

export interface RestState {
  /** Addresses served, by question; or the rcode where there are none. */
  readonly answers: Readonly<Record<string, string>>
  /** One line a server, as the registry has it. */
  readonly servers: readonly string[]
  /** One line a server of a pool, as the API explains it. */
  readonly candidates: readonly string[]
  /** One line a server, as it would be read back. */
  readonly rows: readonly string[]
}

interface Row {
  readonly health: { verdict: string; override?: { healthy: boolean } }
  readonly status: string
  readonly lastHealthy: boolean
}

type Fields = Readonly<Record<string, unknown>>

const TYPES = ['A', 'AAAA'] as const

function answersOf(
  { dns, topology }: Product,
  candidates: readonly string[],
): Record<string, string> {
  const answers: Record<string, string> = {}
  for (const { name, whenAllDown } of topology.pools) {
    const isServed = candidates.some((line) => line.startsWith(`${name} `) && line.endsWith('true'))
    for (const type of TYPES) {
      // Who that was depends on whose checks crossed a threshold last, so it is history.
      if (whenAllDown === 'last_healthy' && !isServed) {
        answers[`${name} ${type}`] = 'whoever served last'
        continue
      }
      const heard = dns.ask(name, type)
      const text = heard?.addresses.length ? [...heard.addresses].sort().join(' ') : heard?.rcode
      answers[`${name} ${type}`] = String(text)
    }
  }
  return answers
}

async function serversOf(product: Product): Promise<string[]> {
  const reply = await product.request('GET', '/api/v1/overwatch/backends')
  const { backends = [] } = (reply?.body ?? {}) as { backends?: readonly Fields[] }
  return backends
    .map((one) => {
      const { service, address, effective_status, cause, serving, validation_healthy } = one
      const order = String(one['override_status'])
      const held = `${String(effective_status)} ${String(cause)} ${String(serving)}`
      return `${String(service)} ${String(address)} ${held} ${String(validation_healthy)} ${order}`
    })
    .sort()
}

async function candidatesOf(product: Product): Promise<string[]> {
  const lines: string[] = []
  for (const { name } of product.topology.pools) {
    const body = { domain: name, client_ip: '192.0.2.200', query_type: 'A' }
    const reply = await product.request('POST', '/api/v1/routing/test', body)
    const { result } = (reply?.body ?? {}) as { result?: { candidates: readonly Fields[] } }
    for (const { id, address, status, cause, serving } of result?.candidates ?? []) {
      const held = `${String(status)} ${String(cause)} ${String(serving)}`
      lines.push(`${name} ${String(id)} ${String(address)} ${held}`)
    }
  }
  return lines.sort()
}

function rowsOf({ disk, topology }: Product): string[] {
  const isServed = (key: string) => {
    const around = topology.pools.filter((pool) => pool.members.some((one) => one.key === key))
    return around.length === 1 && around[0]!.policy !== 'failover'
  }
  return [...(disk.rows as ReadonlyMap<string, Row>)]
    .map(([key, { health, status, lastHealthy }]) => {
      const order = String(health.override?.healthy)
      // Who served last before all were gone depends on who was checked last.
      const mark = isServed(key) && status === 'healthy' ? ` ${lastHealthy}` : ''
      return `${key} ${health.verdict} ${status} ${order}${mark}`
    })
    .sort()
}

export async function restState(product: Product): Promise<RestState> {
  const candidates = await candidatesOf(product)
  return {
    answers: answersOf(product, candidates),
    servers: await serversOf(product),
    candidates,
    rows: rowsOf(product),
  }
}

/** Where those who answer, explain, decide and remember differ; empty for nowhere. */
export function disagreements(product: Product, state: RestState): string[] {
  const found: string[] = []
  const servers = state.servers.map((text) => text.split(' '))
  for (const { name, members } of product.topology.pools) {
    const said = TYPES.flatMap((type) => state.answers[`${name} ${type}`]!.split(' '))
    const candidates = state.candidates
      .map((text) => text.split(' '))
      .filter(([pool]) => pool === name)
    const explained = candidates.filter((fields) => fields[5] === 'true').map(([, , at]) => at!)
    const served = said.filter((text) => text.includes('.') || text.includes(':')).sort()
    if (explained.length > 0 && served.join() !== explained.sort().join())
      found.push(`${name}: dns ${served.join()}, api ${explained.join()}`)
    for (const { service, address, key } of members) {
      const server = servers.find(([of, at]) => of === service && at === address)
      const candidate = candidates.find(([, id]) => id === key)
      if (server?.[2] !== candidate?.[3] || server?.[3] !== candidate?.[4])
        found.push(`${key}: registry ${server?.[2]}, api ${candidate?.[3]}`)
      const row = state.rows.find((text) => text.startsWith(`${key} `))?.split(' ')
      if (row?.[2] !== server?.[2])
        found.push(`${key}: disk ${String(row?.[2])}, registry ${server?.[2]}`)
    }
  }
  return found
}
