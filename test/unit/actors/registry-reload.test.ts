// Goal: a reload costs the data plane nothing but a swap. Until its names are compiled all goes on
// in the old epoch; no verdict is lost or late for it; what changes nothing does nothing.
// Method: the registry with a compiler that answers when the test says so, and a DNS authority that
// takes what it publishes in the order it is published.
import { expect, test } from 'vitest'
import type { Compile, CompileOutcome } from '../../../src/actors/registry/contract.ts'
import { contentOf } from '../../../src/actors/registry/ports-content.ts'
import { sharedMemory } from '../../../src/core/base/memory.ts'
import type { WordChange } from '../../../src/core/steer/snapshot.ts'
import type { Topology } from '../../../src/core/steer/topology.ts'
import { type TableSource, tableOf } from '../../../src/core/zone/table-source.ts'
import { decodeReply } from '../../harness/dns-decode.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { authorityOf, sendTo, zoneOf } from '../../harness/dns-world.ts'
import { settle } from '../../harness/virtual-clock.ts'
import { poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, C, configOf, start } from './registry-world.ts'

interface Compiler {
  readonly compile: Compile
  /** Names of the tables that are being compiled, oldest first. */
  readonly waiting: () => string[]
  /** Ends the oldest. */
  readonly finish: (outcome?: CompileOutcome) => Promise<void>
}

/** Compiles the first table at once and every later one when the test says so. */
function slowCompiler(): Compiler {
  const open: { source: TableSource; resolve: (outcome: CompileOutcome) => void }[] = []
  const compiled = (source: TableSource): CompileOutcome => ({
    code: 'compiled',
    table: tableOf(source, sharedMemory),
  })
  let isFirst = true
  return {
    compile: (source) => {
      if (!isFirst) return new Promise((resolve) => void open.push({ source, resolve }))
      isFirst = false
      return compiled(source)
    },
    waiting: () => open.map(({ source }) => source.names),
    finish: async (outcome) => {
      const { source, resolve } = open.shift()!
      resolve(outcome ?? compiled(source))
      await settle()
    },
  }
}

const withZone = (topology: Topology): Topology => ({
  ...topology,
  zones: [zoneOf('example.com', '@ NS ns1\nns1 A 192.0.2.53')],
})
const NAME = 'app.example.com'
const serving = (...addresses: string[]) => withZone(topologyOf(poolOf(NAME, addresses)))

async function world(topology: Topology) {
  const compiler = slowCompiler()
  const registry = await start(topology, { compile: compiler.compile })
  const authority = authorityOf()
  let taken = 0
  /** What a DNS thread answers that has handled all that was published so far. */
  const answers = (name = NAME) => {
    for (; taken < registry.published.length; taken++) {
      const [id, message] = registry.published[taken]!
      if (id === 'registry.serving-set') {
        const { epoch, version, parts, words } = message as ReturnType<typeof registry.lastServing>
        authority.applyServing(epoch, version, parts, new Uint32Array(words.slice().buffer))
      }
      if (id === 'registry.word-changed') authority.applyWord(message as WordChange)
    }
    const reply = decodeReply(sendTo(authority, buildQuery({ name, type: 'A' }))!)
    return reply.rcode === 'NOERROR' ? reply.answers.map(({ data }) => data).sort() : reply.rcode
  }
  const verdict = (address: string, state: 'up' | 'down') => {
    registry.clock.advance(1)
    registry.verdict(address, state, undefined, NAME)
  }
  return { ...registry, ...compiler, answers, verdict }
}

test('until the names are compiled the old epoch is served, and verdicts go on in it', async () => {
  const { answers, verdict, reload, waiting, finish } = await world(serving(A, B))
  verdict(A, 'up')
  verdict(B, 'up')
  expect(answers()).toHaveLength(1)
  reload(withZone(topologyOf(poolOf(NAME, [A, B, C]), poolOf('new.example.com', [C]))))
  expect(waiting()).toEqual([`${NAME}\nnew.example.com`])
  expect(answers('new.example.com')).toBe('NXDOMAIN')
  verdict(A, 'down')
  expect([answers(), answers()]).toEqual([[B], [B]])
  verdict(A, 'up')
  verdict(B, 'down')
  expect([answers(), answers()]).toEqual([[A], [A]])
  await finish()
  // What was heard meanwhile holds in the new epoch too.
  expect([answers(), answers()]).toEqual([[A], [A]])
  expect(answers('new.example.com')).toBe('SERVFAIL')
})

test('reloads during a compilation are taken up after it, the last of them alone', async () => {
  const { answers, verdict, reload, waiting, finish, lastServing } = await world(serving(A))
  verdict(A, 'up')
  const first = lastServing().epoch
  reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf('one.example.com', [B]))))
  reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf('two.example.com', [B]))))
  reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf('three.example.com', [B]))))
  expect(waiting()).toEqual([`${NAME}\none.example.com`])
  await finish()
  expect(answers('one.example.com')).toBe('SERVFAIL')
  expect(waiting()).toEqual([`${NAME}\nthree.example.com`])
  await finish()
  expect([answers('one.example.com'), answers('three.example.com')]).toEqual([
    'NXDOMAIN',
    'SERVFAIL',
  ])
  expect(lastServing().epoch).toBe(first + 2)
  expect(waiting()).toEqual([])
})

test('who reloads during a compilation is told when its own is in force', async () => {
  const { reload, finish } = await world(serving(A))
  const done: string[] = []
  const of = (name: string) =>
    Promise.resolve(reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf(name, [B]))))).then(
      () => void done.push(name),
    )
  void of('one.example.com')
  void of('two.example.com')
  await finish()
  expect(done).toEqual([])
  await finish()
  expect(done.sort()).toEqual(['one.example.com', 'two.example.com'])
})

test('a reload that changes nothing compiles nothing and publishes nothing', async () => {
  const { published, reload, waiting, logs } = await world(serving(A))
  const before = published.length
  reload(serving(A))
  expect(waiting()).toEqual([])
  expect(published.length).toBe(before)
  expect(logs.at(-1)!.message).toBe('the configuration serves what is served already')
})

test('zones that name no serial get that of the load, and that alone is no change', async () => {
  /** As a load at that second makes it. */
  const loadedAt = (serial: number) => {
    const [zone] = serving(A).zones
    const zones = [{ ...zone!, soa: { ...zone!.soa, serial } }]
    return { ...configOf(serving(A)), ...contentOf({ ...serving(A), zones }, serial) }
  }
  const { published, behaviour } = await start(serving(A))
  behaviour.onReconfigured!(loadedAt(1_700_000_000))
  const before = published.length
  behaviour.onReconfigured!(loadedAt(1_700_000_001))
  expect(published.length).toBe(before)
})

test('a record, a server or the guard-rail that changed is a change', async () => {
  const other = withZone(topologyOf(poolOf(NAME, [A])))
  const [zone] = other.zones
  const record = { ...zone!.records[1]!, ttlSeconds: 9 }
  const changes = [
    { ...other, zones: [{ ...zone!, records: zone!.records.with(1, record) }] },
    serving(A, B),
  ]
  for (const change of changes) {
    const { reload, waiting } = await world(serving(A))
    reload(change)
    expect(waiting()).toHaveLength(1)
  }
  const { behaviour, waiting } = await world(serving(A))
  const guard = { enabled: false, maxWithdrawnShare: 0.5 }
  behaviour.onReconfigured!({ ...configOf(serving(A)), guard })
  expect(waiting()).toHaveLength(1)
})

test('names that do not compile leave everything as it was, and the next reload is heard', async () => {
  const { answers, verdict, reload, finish, logs } = await world(serving(A))
  verdict(A, 'up')
  reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf('one.example.com', [B]))))
  await finish({ code: 'failed', message: 'no memory' })
  expect(logs.at(-1)).toMatchObject({
    level: 'error',
    message: 'the configuration was not taken over',
    fields: { error: 'the names do not compile: no memory' },
  })
  expect([answers(), answers('one.example.com')]).toEqual([[A], 'NXDOMAIN'])
  reload(withZone(topologyOf(poolOf(NAME, [A]), poolOf('one.example.com', [B]))))
  await finish()
  expect(answers('one.example.com')).toBe('SERVFAIL')
})

test('all readers of an epoch get the same memory, and a later one the words of that moment', async () => {
  const { lastServing, verdict, behaviour } = await world(serving(A))
  const { parts } = lastServing()
  expect(parts.table.words.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(parts.pools.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(parts.records.buffer).toBeInstanceOf(SharedArrayBuffer)
  verdict(A, 'up')
  behaviour.onPeerStarted!('dns')
  expect(lastServing().parts).toBe(parts)
  expect(lastServing().version).toBeGreaterThan(0)
})
