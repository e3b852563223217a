/** Topologies for simulations of the product, small enough for thousands of worlds. */
import { parseAddress, serverKey } from '../../src/core/net/address.ts'
import type { CheckSpec, MemberSpec, PoolSpec, Topology } from '../../src/core/steer/topology.ts'
import { zoneOf } from './dns-world.ts'

export const INTERVAL_MS = 1_000
export const TIMEOUT_MS = 300

const CHECK: CheckSpec = {
  type: 'http',
  intervalMs: INTERVAL_MS,
  timeoutMs: TIMEOUT_MS,
  path: '/',
  host: '',
  serverName: '',
  expectedStatus: [[200, 299]],
  bodyMatch: '',
  verifyCertificate: true,
  certificateWarnDays: 0,
  failureThreshold: 2,
  successThreshold: 2,
}

export function memberOf(service: string, address: string, check: Partial<CheckSpec>): MemberSpec {
  const parsed = parseAddress(address)
  if (!parsed.ok) throw new Error(parsed.error)
  return {
    key: serverKey(service, address, 80),
    service,
    address,
    family: parsed.value.family,
    port: 80,
    region: 'r1',
    weight: 100,
    source: 'static',
    check: { ...CHECK, ...check },
  }
}

/** A pool that answers with every server it may, so that one question shows its whole state. */
export function productPool(
  name: string,
  members: readonly MemberSpec[],
  spec: Partial<PoolSpec> = {},
): PoolSpec {
  return {
    name,
    zone: 'example.com',
    ttlSeconds: 30,
    policy: 'round-robin',
    answers: 8,
    whenAllDown: 'servfail',
    fallback: [],
    holdDownMs: 0,
    ...spec,
    members,
  }
}

export const productTopology = (pools: readonly PoolSpec[]): Topology => ({
  zones: [zoneOf('example.com', '@ NS ns1\nns1 A 192.0.2.53')],
  pools,
  regions: [{ name: 'r1', countries: [], continents: [] }],
})

/** Every policy there is, most ways out of an emptied pool, and a server that two pools share. */
export function variedTopology(check: Partial<CheckSpec>): Topology {
  const member = (service: string, address: string) => memberOf(service, address, check)
  const shared = member('shared', '192.0.2.9')
  return productTopology([
    productPool('rr.example.com', [
      member('rr.example.com', '192.0.2.1'),
      member('rr.example.com', '192.0.2.2'),
      shared,
    ]),
    productPool(
      'fo.example.com',
      [member('fo.example.com', '192.0.2.3'), member('fo.example.com', '192.0.2.4')],
      { policy: 'failover', holdDownMs: 2_500, whenAllDown: 'nodata' },
    ),
    productPool('wt.example.com', [member('wt.example.com', '192.0.2.5'), shared], {
      policy: 'weighted',
      whenAllDown: 'last_healthy',
    }),
    productPool('v6.example.com', [member('v6.example.com', '2001:db8::1')]),
  ])
}

export const membersOf = (topology: Topology): readonly MemberSpec[] => [
  ...new Map(
    topology.pools.flatMap((pool) => pool.members.map((member) => [member.key, member])),
  ).values(),
]
