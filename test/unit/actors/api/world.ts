/** An `api` actor with a small registry and prober behind it, and a way to call it. */
import { expect } from 'vitest'
import { api } from '../../../../src/actors/api/actor.ts'
import { memoryAudit } from '../../../../src/actors/api/audit-memory.ts'
import { sha256, tokenHashOf } from '../../../../src/actors/api/ports-access.ts'
import type { ClientCertificate } from '../../../../src/core/access/credentials.ts'
import type {
  ApiConfig,
  ApiPorts,
  DnsOutcome,
  Machine,
} from '../../../../src/actors/api/contract.ts'
import { apiDocument } from '../../../../src/actors/api/table.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import type { BackendView, CheckView } from '../../../../src/messages/views.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { Conformance } from '../../../harness/openapi.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

/** Every answer of every test is held against the document. */
const conformance = new Conformance(apiDocument('2.0.0'))

export const START_MS = 1_750_000_000_000

export const backend = (fields: Partial<BackendView> = {}): BackendView => ({
  key: 'app.example.com:10.0.0.1:80',
  service: 'app.example.com',
  address: '10.0.0.1',
  port: 80,
  weight: 100,
  region: 'us-east',
  source: 'static',
  status: 'healthy',
  cause: 'validation',
  serving: true,
  sinceMs: START_MS,
  verdict: 'up',
  verdictAtMs: START_MS + 1_000,
  restored: false,
  ...fields,
})

export const BACKENDS: readonly BackendView[] = [
  backend(),
  backend({
    key: 'app.example.com:[2001:db8::1]:80',
    address: '2001:db8::1',
    status: 'unhealthy',
    serving: false,
    verdict: 'down',
    verdictReason: 'refused',
  }),
  backend({
    key: 'api.example.com:10.0.1.1:8080',
    service: 'api.example.com',
    address: '10.0.1.1',
    port: 8080,
    region: 'eu-west',
    source: 'agent',
    override: { healthy: true, reason: 'test', by: 'ops', atMs: START_MS },
  }),
]

export const CHECKS: readonly CheckView[] = [
  {
    key: 'app.example.com:10.0.0.1:80',
    lastCheckMs: START_MS + 5_000,
    lastHealthyMs: START_MS + 5_000,
    consecutiveFailures: 0,
    consecutiveSuccesses: 7,
    latencyMs: 1.5,
  },
  {
    key: 'app.example.com:[2001:db8::1]:80',
    lastCheckMs: START_MS + 5_000,
    consecutiveFailures: 4,
    consecutiveSuccesses: 0,
    lastError: 'connection refused',
  },
]

export const POOL: ServingPool = {
  name: 'app.example.com',
  zone: 'example.com',
  ttlSeconds: 20,
  policy: 'round-robin',
  answers: 1,
  whenAllDown: 'servfail',
  fallback: [],
  slot: 0,
  members: [
    { key: 'a', address: '10.0.0.1', port: 80, region: 'us-east', weight: 100 },
    { key: 'b', address: '10.0.0.2', port: 80, region: 'eu-west', weight: 100 },
    { key: 'c', address: '2001:db8::1', port: 80, region: 'us-east', weight: 100 },
  ],
}

export const CONFIG: ApiConfig = {
  version: '2.0.0',
  nodeId: 'node-1',
  region: 'us-east',
  mode: 'overwatch',
  allowedNetworks: ['10.0.0.0/8'],
  tokens: [{ name: 'ops', hash: tokenHashOf('correct-horse-battery'), role: 'admin' }],
  authRequired: false,
  dnsAddress: '127.0.0.1:53',
  probeName: 'app.example.com',
  startedAtMs: START_MS,
}

const MACHINE: Machine = {
  ...{ rssBytes: 100, totalBytes: 1_000, availableBytes: 500, cores: 2 },
  ...{ userMs: 0, systemMs: 0, idleMs: 0, processMs: 0 },
}

export interface CallOptions {
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly from?: string
  readonly certificate?: ClientCertificate
}

export async function apiWorld(config: Partial<ApiConfig> = {}, { audit = true } = {}) {
  const world = fakeCtx('api', { startUnixMs: START_MS + 60_000 })
  const dns: { outcome: DnsOutcome; asked: [string, string][] } = {
    outcome: { code: 'answered', rcode: 0, authoritative: true },
    asked: [],
  }
  const machine: { -readonly [Key in keyof Machine]?: Machine[Key] } = {}
  const documents = new Map<string, string>()
  const ports: ApiPorts = {
    askDns: async (address, name) => {
      dns.asked.push([address, name])
      return dns.outcome
    },
    machine: () => ({ ...MACHINE, ...machine }),
    randomBytes: (count) => new Uint8Array(count).fill(7),
    readDocument: async (name) => documents.get(name),
    writeDocument: async (name, text) => {
      if (documents.get('disk') === 'full') return { code: 'failed', message: 'no space' }
      documents.set(name, text)
      return { code: 'written' }
    },
    platform: 'linux/amd64',
    nodeVersion: 'v20.0.0',
    sha256,
    ...(audit ? { audit: memoryAudit(sha256) } : {}),
  }
  world.answers['api.list-backends'] = () => ({
    backends: BACKENDS,
    settled: true,
    regions: ['us-east', 'ap-south'],
    holds: [],
  })
  world.answers['api.list-checks'] = () => ({ checks: CHECKS })
  world.answers['api.count-checks'] = () => ({ passed: 40, failed: 2, inconclusive: 0, late: 0 })
  world.answers['api.list-differences'] = () => ({ differences: [], entries: [] })
  world.answers['api.set-override'] = () => ({ outcome: 'done', message: 'done' })
  world.answers['api.clear-override'] = () => ({ outcome: 'done', message: 'done' })
  const behaviour = await api.start(world.ctx, ports, { ...CONFIG, ...config })
  behaviour.receive['registry.snapshot-set']({
    epoch: 1,
    version: 10,
    pools: [POOL, { ...POOL, name: '*.wild.example.com' }],
    words: [
      [UP, DOWN, UP],
      [UP, UP, UP],
    ],
  })

  async function call(method: string, target: string, options: CallOptions = {}) {
    const [path = '', query = ''] = target.split('?')
    const { body } = options
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await behaviour.receive['shell.handle-request']({
      method,
      path,
      query,
      headers: { host: 'localhost:8080', ...options.headers },
      body: new TextEncoder().encode(text),
      remoteAddress: options.from ?? '127.0.0.1',
      ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
    })
    const shown = new TextDecoder().decode(answer.body)
    const isJson = /^application\/(?:problem\+)?json$/.test(answer.headers['content-type'] ?? '')
    const spoken = { method, path, status: answer.status, headers: answer.headers, text: shown }
    expect(conformance.faultsOf(spoken)).toEqual([])
    return {
      status: answer.status,
      headers: answer.headers,
      // As loose as JSON.parse leaves it: tests look into answers of every shape.
      json: isJson ? JSON.parse(shown) : (undefined as ReturnType<typeof JSON.parse>),
      text: shown,
    }
  }
  return { ...world, behaviour, dns, documents, machine, call, ports }
}
