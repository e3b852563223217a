/** Small pools for tests of steering: a line of text is a server. */
import { Pool } from '../../src/core/steer/pool.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { packWord, type WordFields } from '../../src/core/steer/words.ts'

const up: WordFields = {
  serving: true,
  lastHealthy: true,
  heldDown: false,
  guarded: false,
  status: 'healthy',
  cause: 'validation',
  share: 1000,
}

export const wordOf = (fields: Partial<WordFields>): number => packWord({ ...up, ...fields })

export const UP = wordOf({})
export const DOWN = wordOf({ serving: false, lastHealthy: false, status: 'unhealthy' })
export const WAS_UP = wordOf({ serving: false, lastHealthy: true, status: 'unhealthy' })

export interface ServerLine {
  readonly address: string
  readonly weight?: number
  readonly word?: number
}

export function poolOf(servers: readonly ServerLine[], spec: Partial<ServingPool> = {}): Pool {
  const name = spec.name ?? 'app.example.com'
  const members = servers.map(({ address, weight }) => ({
    key: `${name}:${address}:80`,
    address,
    port: 80,
    region: 'r1',
    weight: weight ?? 100,
  }))
  const full: ServingPool = {
    name,
    zone: 'example.com',
    ttlSeconds: 30,
    policy: 'round-robin',
    answers: 1,
    whenAllDown: 'servfail',
    fallback: [],
    slot: 0,
    ...spec,
    members,
  }
  return new Pool(
    full,
    servers.map((server) => server.word ?? UP),
  )
}
