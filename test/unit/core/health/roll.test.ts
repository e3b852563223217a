// Goal: the roll knows who speaks for which server, never goes back to an older report, and sees
// silence in time; what agents declare becomes part of the served topology, whoever came first.
import { describe, expect, test } from 'vitest'
import {
  checkOf,
  declaredTopology,
  type ServiceDefaults,
} from '../../../../src/core/health/declared.ts'
import type { AgentReport, ReportedBackend } from '../../../../src/core/health/report.ts'
import { Roll, type RollSettings } from '../../../../src/core/health/roll.ts'
import type { PoolSpec, Topology } from '../../../../src/core/steer/topology.ts'

const settings: RollSettings = {
  domains: ['app.demo.local'],
  zones: ['gslb.example.com'],
  staleMs: 30_000,
  removeAfterMs: 300_000,
}

const backend = (over: Partial<ReportedBackend> = {}): ReportedBackend => ({
  service: 'web',
  address: '192.0.2.1',
  port: 80,
  weight: 100,
  healthy: true,
  reason: '',
  ...over,
})

const report = (over: Partial<AgentReport> = {}): AgentReport => ({
  agentId: 'eu-1',
  region: 'eu',
  boot: 1_000,
  seq: 1,
  atMs: 0,
  backends: [backend()],
  ...over,
})

const KEY = 'web.gslb.example.com:192.0.2.1:80'

describe('the roll', () => {
  test('gives a backend a key for each name its service is served as', () => {
    const roll = new Roll(settings)
    roll.accept(report({ backends: [backend(), backend({ service: 'app.demo.local' })] }), 0)
    expect(roll.claims().map(({ key }) => key)).toEqual(['app.demo.local:192.0.2.1:80', KEY])
    expect(
      roll.accept(report({ seq: 2, backends: [backend({ service: 'no.where' })] }), 0),
    ).toEqual({
      declared: true,
      keys: ['app.demo.local:192.0.2.1:80', KEY].sort().reverse(),
      contested: [],
      turned: [],
    })
    expect(roll.claims()).toEqual([])
  })

  test('says what a report changes: the declaration, or only the voice', () => {
    const roll = new Roll(settings)
    expect(roll.accept(report(), 0)).toMatchObject({ declared: true, keys: [KEY] })
    const sick = report({ seq: 2, backends: [backend({ healthy: false })] })
    expect(roll.accept(sick, 1)).toMatchObject({ declared: false, keys: [KEY] })
    expect(roll.voiceOf(KEY)).toMatchObject({ agentId: 'eu-1', healthy: false, silent: false })
    const heavy = report({ seq: 3, backends: [backend({ weight: 7 })] })
    expect(roll.accept(heavy, 2)).toMatchObject({ declared: true })
  })

  test('never takes an older report after a newer one', () => {
    const roll = new Roll(settings)
    roll.accept(report({ seq: 5 }), 0)
    expect(roll.accept(report({ seq: 4, backends: [] }), 1)).toBe('stale')
    expect(roll.accept(report({ boot: 999, seq: 9, backends: [] }), 1)).toBe('stale')
    expect(roll.accept(report({ boot: 1_001, seq: 0 }), 1)).not.toBe('stale')
  })

  test('takes what is judged anew of the same content, whatever was kept of it', () => {
    const roll = new Roll(settings)
    // As an earlier version kept it, which counted how often it had judged.
    const kept = { ...report({ backends: [] }), judged: 1 }
    roll.accept(kept, 0, true)
    expect(roll.accept(report(), 1)).toMatchObject({ declared: true, keys: [KEY] })
    expect(roll.accept(report({ backends: [] }), 2)).toMatchObject({ declared: true })
  })

  test('lets the first agent speak for a server until it is silent or gone', () => {
    const roll = new Roll(settings)
    roll.accept(report(), 0)
    const rival = report({ agentId: 'eu-2', backends: [backend({ healthy: false })] })
    expect(roll.accept(rival, 1_000)).toMatchObject({ contested: [KEY] })
    expect(roll.voiceOf(KEY)).toMatchObject({ agentId: 'eu-1' })
    roll.seen('eu-2', 29_000)
    expect(roll.tick(30_000)).toEqual([KEY])
    expect(roll.accept({ ...rival, seq: 2 }, 30_001)).toMatchObject({ contested: [] })
    expect(roll.voiceOf(KEY)).toMatchObject({ agentId: 'eu-2', healthy: false })
  })

  test('marks an agent silent at the threshold and overdue at the end', () => {
    const roll = new Roll(settings)
    roll.accept(report(), 0)
    roll.seen('eu-1', 10_000)
    expect(roll.nextDueMs()).toBe(40_000)
    expect(roll.tick(39_999)).toEqual([])
    expect(roll.tick(40_000)).toEqual([KEY])
    expect(roll.tick(40_001)).toEqual([])
    expect(roll.voiceOf(KEY)?.silent).toBe(true)
    expect(roll.overdue(309_999)).toEqual([])
    expect(roll.overdue(310_000)).toEqual(['eu-1'])
    expect(roll.seen('eu-1', 310_001)).toEqual([KEY])
    expect(roll.leave('eu-1')).toMatchObject({ declared: true, keys: [KEY] })
    expect(roll.size).toBe(0)
  })

  test('keeps what it has forsaken off, until its agent is heard again', () => {
    const roll = new Roll(settings)
    const other = 'web.gslb.example.com:192.0.2.2:80'
    const both = report({ backends: [backend(), backend({ address: '192.0.2.2' })] })
    const keys = () => roll.claims().map(({ key }) => key)
    roll.accept(both, 0)
    roll.tick(30_000)
    roll.forsake('eu-1', new Set([other]))
    roll.configure(settings)
    expect(keys()).toEqual([KEY])
    expect(roll.seen('eu-1', 40_000)).toEqual([KEY, other])
    expect(keys()).toEqual([KEY, other])
    roll.tick(80_000)
    roll.forsake('eu-1', new Set([other]))
    roll.accept({ ...both, seq: 2 }, 90_000)
    expect(keys()).toEqual([KEY, other])
  })

  test('takes hearsay as no sign of life', () => {
    const roll = new Roll(settings)
    roll.accept(report({ atMs: 1_000 }), 60_000, true)
    expect(roll.voiceOf(KEY)?.silent).toBe(true)
    roll.accept(report({ atMs: 1_000 }), 60_000)
    expect(roll.voiceOf(KEY)?.silent).toBe(false)
    // Nor does it take the word of one that was heard for anything less, or for later.
    roll.accept(report({ atMs: 60_000 }), 80_000, true)
    expect(roll.rowOf('eu-1')).toMatchObject({ hearsay: false, lastSeenMs: 60_000 })
    expect(roll.tick(90_000)).toEqual([KEY])
    roll.accept(report({ atMs: 60_000 }), 95_000, true)
    expect(roll.voiceOf(KEY)?.silent).toBe(true)
  })

  test('looks at every claim again when names change', () => {
    const roll = new Roll(settings)
    roll.accept(report(), 0)
    roll.configure({ ...settings, zones: ['other.example'] })
    expect(roll.claims().map(({ key }) => key)).toEqual(['web.other.example:192.0.2.1:80'])
  })
})

test('a check of an agent holds the prober no longer than one of this node', () => {
  const asked = { type: 'tcp', intervalMs: 1, timeoutMs: 86_400_000, path: '/', host: '' } as const
  const check = { ...asked, failureThreshold: 1_000, successThreshold: 1_000 }
  const pace = { enabled: true, intervalMs: 30_000, timeoutMs: 5_000, vetoThreshold: 3 } as const
  const at = (vetoMode: 'strict' | 'balanced') => checkOf(backend({ check }), { ...pace, vetoMode })
  for (const mode of ['strict', 'balanced'] as const)
    expect(at(mode)).toMatchObject({
      ...{ timeoutMs: 30_000, failureThreshold: 100, successThreshold: 100 },
    })
})

describe('the declared topology', () => {
  const check = { enabled: true, intervalMs: 30_000, timeoutMs: 5_000 } as const
  const validation = { ...check, vetoMode: 'balanced', vetoThreshold: 3 } as const
  const defaults: ServiceDefaults = {
    ttlSeconds: 60,
    policy: 'round-robin',
    answers: 1,
    whenAllDown: 'servfail',
    fallback: [],
    holdDownMs: 0,
  }
  const soa = {} as Topology['zones'][number]['soa']
  const pool: PoolSpec = {
    ...defaults,
    name: 'app.demo.local',
    zone: 'app.demo.local',
    members: [],
  }
  const base: Topology = {
    zones: [
      { apex: 'gslb.example.com', soa, records: [] },
      { apex: 'app.demo.local', soa, records: [] },
    ],
    pools: [pool],
    regions: [],
  }
  const served = (roll: Roll, from = base) =>
    declaredTopology(from, settings.zones, roll.claims(), defaults, validation)

  test('is the configured one while no agent has spoken', () => {
    expect(served(new Roll(settings))).toBe(base)
  })

  test('adds backends to the pool of their name and makes pools for services without one', () => {
    const roll = new Roll(settings)
    roll.accept(report({ backends: [backend(), backend({ service: 'app.demo.local' })] }), 0)
    const { pools, regions } = served(roll)
    expect(pools.map(({ name, zone, members }) => [name, zone, members.length])).toEqual([
      ['app.demo.local', 'app.demo.local', 1],
      ['web.gslb.example.com', 'gslb.example.com', 1],
    ])
    expect(pools[1]?.members[0]).toMatchObject({ source: 'agent', region: 'eu', key: KEY })
    expect(regions.map(({ name }) => name)).toEqual(['eu'])
  })

  test('leaves a server of the file as the file has it', () => {
    const roll = new Roll(settings)
    roll.accept(report({ backends: [backend({ service: 'app.demo.local', weight: 1 })] }), 0)
    const own = served(roll).pools[0]!.members[0]!
    const inFile = {
      ...base,
      pools: [{ ...pool, members: [{ ...own, source: 'static', weight: 9 }] }],
    }
    const { members } = served(roll, inFile as Topology).pools[0]!
    expect(members.map(({ source, weight }) => [source, weight])).toEqual([['static', 9]])
  })

  test('is the same in whatever order agents reported', () => {
    const reports = ['c', 'a', 'b'].map((id, at) =>
      report({ agentId: id, backends: [backend({ address: `192.0.2.${at + 1}` })] }),
    )
    const [forth, back] = [new Roll(settings), new Roll(settings)]
    for (const one of reports) forth.accept(one, 0)
    for (const one of reports.toReversed()) back.accept(one, 0)
    expect(served(back)).toEqual(served(forth))
  })
})
