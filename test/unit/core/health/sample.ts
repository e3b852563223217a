/** Small topologies for tests of health: a pool is its name and the addresses of its servers. */
import type {
  CheckSpec,
  MemberSpec,
  PoolSpec,
  Topology,
} from '../../../../src/core/steer/topology.ts'
import { unpackWord } from '../../../../src/core/steer/words.ts'

const check: CheckSpec = {
  type: 'tcp',
  intervalMs: 10_000,
  timeoutMs: 1_000,
  path: '/',
  host: '',
  serverName: '',
  expectedStatus: [[200, 299]],
  bodyMatch: '',
  verifyCertificate: true,
  certificateWarnDays: 0,
  failureThreshold: 3,
  successThreshold: 2,
}

export const keyOf = (pool: string, address: string, port = 80) =>
  `${pool}:${address.includes(':') ? `[${address}]` : address}:${port}`

export function memberOf(pool: string, address: string, port = 80): MemberSpec {
  return {
    key: keyOf(pool, address, port),
    service: pool,
    address,
    family: address.includes(':') ? 6 : 4,
    port,
    region: 'r1',
    weight: 100,
    source: 'static',
    check,
  }
}

export function poolOf(
  name: string,
  addresses: readonly string[],
  spec: Partial<PoolSpec> = {},
): PoolSpec {
  return {
    name,
    zone: 'test',
    ttlSeconds: 30,
    policy: 'round-robin',
    answers: 1,
    whenAllDown: 'servfail',
    fallback: [],
    holdDownMs: 0,
    members: addresses.map((address) => memberOf(name, address)),
    ...spec,
  }
}

export const topologyOf = (...pools: PoolSpec[]): Topology => ({
  zones: [],
  pools,
  regions: [{ name: 'r1', countries: [], continents: [] }],
})

/**
 * A word in a few letters: S serving, L last healthy, H held down, G guarded; then the status.
 * `-` where no flag is set.
 */
export function spell(word: number): string {
  const { serving, lastHealthy, heldDown, guarded, status } = unpackWord(word)
  const flags = [serving && 'S', lastHealthy && 'L', heldDown && 'H', guarded && 'G']
  return `${flags.filter((flag) => flag !== false).join('') || '-'} ${status}`
}
