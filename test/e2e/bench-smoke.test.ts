/**
 * The bench of the hot path runs, small, against the built program, and its load generator sees
 * every kind of wrong answer.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { judgeGoal, judgeMemory, type Summary } from '../../bench/support/hotpath/judge.ts'
import { type Entrant, Showing } from '../../bench/support/hotpath/measure.ts'
import { compileNative } from '../../bench/support/hotpath/native.ts'
import type { Outcome } from '../../bench/support/hotpath/page.ts'
import { roundOf } from '../../bench/support/hotpath/round.ts'
import { estimate } from '../../bench/support/hotpath/statistics.ts'
import { root } from '../harness/source.ts'
import { has } from '../harness/tools.ts'

const execute = promisify(execFile)
const able = has('g++') && has('taskset') && availableParallelism() >= 2

interface Report {
  readonly holds: boolean
  readonly sentence: string
  readonly outcomes: readonly Outcome[]
}

// A folder of its own, since `npm run bench` may compile the same at the same time.
const output = join(root, 'dist-bench', 'smoke')
const bench = join(output, 'bench', 'macro', 'hotpath.bench.js')

describe.skipIf(!able)('the bench of the hot path', () => {
  beforeAll(() => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const words = [tsc, '-p', 'tsconfig.bench.json', '--outDir', output]
    const done = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })
    expect(done.error).toBeUndefined()
    expect(existsSync(bench)).toBe(true)
    expect(existsSync(join(root, 'dist', 'bootstrap.js'))).toBe(true)
  })

  test('runs at smoke size with every answer right', { timeout: 120_000 }, async () => {
    const words = ['--expose-gc', bench, '--smoke', '--json']
    const { stdout } = await execute(process.execPath, words, { cwd: root, timeout: 110_000 })
    const report = JSON.parse(stdout) as Report
    expect(report.sentence).toContain('every answer right')
    expect(report.holds).toBe(true)
    const find = (scenario: string, label: string): Summary | undefined =>
      report.outcomes
        .find(({ name }) => name === scenario)
        ?.summaries.find((one) => one.label === label)
    for (const name of ['one-name', 'weighted', 'mixed', 'tcp'])
      for (const label of ['C echo', 'OpenGSLB']) {
        expect(find(name, label)?.wrong, `${name}, ${label}`).toBe(0)
        expect(find(name, label)?.meanBytes, `${name}, ${label}`).toBeGreaterThan(40)
      }
    // The echo answers with as many bytes as the program does, or it would not be its limit.
    const [echoed, answered] = [find('weighted', 'C echo'), find('weighted', 'OpenGSLB')]
    expect(echoed?.meanBytes).toBe(answered?.meanBytes)
    const disturbed = find('deltas', 'OpenGSLB, 100 changes a second')
    expect(disturbed?.changes).toBeGreaterThan(0)
    expect(disturbed?.wrong).toBe(0)
    // Only a network of its own, which takes a namespace, has clients that limiting counts.
    const limited = find('everything-on', 'OpenGSLB')
    if (process.getuid?.() === 0) {
      expect(limited?.wrong).toBe(0)
      expect(limited?.meanBytes).toBe(find('everything-on', 'C echo')?.meanBytes)
      expect(limited?.changes).toBeGreaterThan(0)
    }
    // Zones are signed, and an answer without the proof asked for counts as wrong.
    const [bare, proven] = ['without', 'with'].map((how) => find('do-flood', `OpenGSLB, ${how} DO`))
    expect([bare?.wrong, proven?.wrong]).toEqual([0, 0])
    expect(proven?.meanBytes).toBeGreaterThan(2 * bare!.meanBytes)
  })
})

/** Changes to a right answer, and the count each belongs to. */
const lies: readonly (readonly [name: string, lie: (answer: Buffer) => Buffer, counted: string])[] =
  [
    ['a question sent back', (answer) => change(answer, 2, 0), 'notAnAnswer'],
    ['another question', (answer) => change(answer, 13, 0x62), 'question'],
    ['another rcode', (answer) => change(answer, 3, 3), 'rcode'],
    ['a foreign address', (answer) => change(answer, answer.length - 1, 9), 'data'],
    ['no address', (answer) => change(answer, 7, 0), 'data'],
    ['a truncated answer', (answer) => change(answer, 2, 0x82), 'data'],
    ['a record that ends early', (answer) => answer.subarray(0, answer.length - 1), 'data'],
  ]

function change(answer: Buffer, at: number, octet: number): Buffer {
  const changed = Buffer.from(answer)
  changed[at] = octet
  return changed
}

const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1])

async function liar(lie: (answer: Buffer) => Buffer): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const right = change(change(Buffer.concat([query, RECORD]), 2, 0x84), 7, 1)
    socket.send(lie(right), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket
}

interface Seen {
  readonly answered: number
  readonly drained: number
  readonly wrong: number
  readonly wrongBy: Readonly<Record<string, number>>
  readonly strays: number
  readonly lost: number
}

const RIGHT = '1;www.bench.test;1;1;;0;1;192.0.2.1;1'

async function loadOn(socket: Socket, kind = RIGHT): Promise<Seen> {
  const native = compileNative()
  if (typeof native === 'string') throw new Error(native)
  const words = [`port=${socket.address().port}`, 'rate=500', 'seconds=0.2', `kind=${kind}`]
  const { stdout } = await execute(native.generator, words, { timeout: 10_000 })
  return JSON.parse(stdout) as Seen
}

describe.skipIf(!able)('the load generator', () => {
  test('counts a right answer as answered, from whichever client it asks', async () => {
    const clients = new Set<string>()
    const socket = await liar((answer) => answer)
    socket.on('message', (_query, from) => clients.add(from.address))
    const seen = await loadOn(socket)
    socket.close()
    expect(seen.answered + seen.drained).toBeGreaterThan(10)
    expect(seen.wrong + seen.strays).toBe(0)
    expect(clients.size).toBeGreaterThan(5)
    expect([...clients].every((address) => address.startsWith('127.'))).toBe(true)
  })

  for (const [name, lie, counted] of lies)
    test(`does not take ${name} for an answer`, async () => {
      const socket = await liar(lie)
      const seen = await loadOn(socket)
      socket.close()
      expect(seen.answered + seen.drained).toBe(0)
      expect(seen.wrong).toBeGreaterThan(0)
      expect(seen.wrongBy[counted]).toBe(seen.wrong)
    })

  test.each([
    [1, 'does not take a bare denial for one with a proof', false],
    [4, 'takes a denial with its signatures for a proof', true],
  ] as const)('with %i records of authority %s', async (records, _title, proven) => {
    const socket = createSocket('udp4')
    socket.on('message', (query, from) => {
      const denial = change(change(change(query, 2, 0x84), 3, 3), 9, records)
      socket.send(denial, from.port, from.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const seen = await loadOn(socket, '1;no.bench.test;1;1;edp;3;0;0.0.0.0;0')
    socket.close()
    expect(seen.answered + seen.drained > 0).toBe(proven)
    expect(seen.wrong > 0).toBe(!proven)
    expect(seen.wrongBy['data'] ?? 0).toBe(seen.wrong)
  })

  test.each([
    ['none', '', false],
    ["the client's alone", '000a0008', false],
    ["a server's too", '000a0018', true],
  ] as const)(
    'asked for a cookie, of answers with %s takes those that are whole',
    async (...row) => {
      const [, option, isTaken] = row
      const socket = createSocket('udp4')
      socket.on('message', (query, from) => {
        // The question, the record, and the OPT record that ends the query, its cookie last.
        const [question, cookie] = [query.subarray(0, 32), query.subarray(-8)]
        const said = Buffer.concat([Buffer.from(option, 'hex'), cookie, Buffer.alloc(16)])
        const sizes = { '': 0, '000a0008': 12, '000a0018': 28 }
        const opt = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, sizes[option]])
        const whole = Buffer.concat([question, RECORD, opt, said.subarray(0, sizes[option])])
        socket.send(change(change(whole, 2, 0x84), 7, 1), from.port, from.address)
      })
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
      const seen = await loadOn(socket, RIGHT.replace(';;', ';eck;'))
      socket.close()
      expect(seen.answered + seen.drained > 0).toBe(isTaken)
      expect(seen.wrong > 0).toBe(!isTaken)
      expect(seen.wrongBy['data'] ?? 0).toBe(seen.wrong)
    },
  )

  test('counts an answer with another id as a stray and its question as lost', async () => {
    const socket = await liar((answer) => change(answer, 0, answer[0]! ^ 0x80))
    const seen = await loadOn(socket)
    socket.close()
    expect(seen.answered + seen.drained).toBe(0)
    expect(seen.strays).toBeGreaterThan(0)
    expect(seen.lost).toBeGreaterThan(0)
  })
})

describe('what a bench says', () => {
  test('the interval holds the median, and is narrow when the pairs agree', () => {
    const wide = estimate([0.9, 1.1, 0.95, 1.05, 1, 0.92, 1.08, 0.97, 1.03, 0.99, 1.01])
    const narrow = estimate(Array.from({ length: 11 }, (_, at) => 1 + at / 10_000))
    expect(wide!.low).toBeLessThan(wide!.median)
    expect(wide!.high).toBeGreaterThan(wide!.median)
    expect(narrow!.high - narrow!.low).toBeLessThan(0.002)
    expect(estimate([])).toBeUndefined()
  })

  const alone = { cpus: [], idleShare: 0.5, ownCpuNs: 1e9 }
  const counted = { answered: 1_000_000, seconds: 1, threads: [1e9], ...alone }
  const showing = (label: string, rates: readonly (number | undefined)[]): Showing => {
    const made = new Showing({ contender: { label }, subject: { name: label } } as Entrant)
    for (const rate of rates) {
      if (rate === undefined) made.rounds.push(undefined)
      else {
        const figures = { ...counted, answered: rate } as unknown as Parameters<typeof roundOf>[0]
        made.rounds.push({ ...roundOf(figures, 1), valid: true })
      }
    }
    return made
  }
  const goal = { says: 'one to other', over: ['one'], under: ['other'], atLeast: 0.95 }
  const twelve = (rate: number) => Array.from({ length: 12 }, (_, at) => rate + at)

  test.each([
    [94_000, 'met'],
    [92_000, 'missed'],
  ] as const)('a goal of 0.95 with %i against 100,000 is %s', (rate, outcome) => {
    const showings = [showing('one', twelve(rate)), showing('other', twelve(100_000))]
    expect(judgeGoal(goal, showings, 11).outcome).toBe(outcome)
  })

  test.each([
    [770_000, 'met'],
    [740_000, 'missed'],
  ] as const)('a goal by CPU is judged by CPU, %i to 1,000,000 is %s', (rate, outcome) => {
    const even = showing('other', twelve(1_000_000))
    // Half the rate, though an answer costs what it did: the other half of a core was idle.
    const slow = showing('one', [])
    for (const round of showing('one', twelve(rate)).rounds)
      slow.rounds.push({ ...round!, rate: rate / 2 })
    const byCpu = { ...goal, atLeast: 1 / 1.3, by: 'CPU a query' } as const
    const judged = judgeGoal(byCpu, [slow, even], 11)
    expect([judged.by, judged.outcome]).toEqual(['CPU a query', outcome])
  })

  test.each([
    [1_490, 'met'],
    [1_510, 'missed'],
  ] as const)('a goal of 1,500 bytes a name with %i is %s', (each, outcome) => {
    const [one, other] = [showing('few', []), showing('many', [])]
    one.restingBytes.push(2e8)
    // The median of starts counts, not the worst of them.
    other.restingBytes.push(2e8 + 1_000 * each, 9e8, 2e8 + 1_000 * each)
    const sides = { says: 'one thread', few: ['few'], many: ['many'], names: 1_000 }
    const memory = { ...sides, bytesAtMost: 1_500 }
    expect(judgeMemory(memory, [one, other]).outcome).toBe(outcome)
    expect(judgeMemory(memory, [one]).outcome).toBe('not measured')
  })

  test('a goal with too few pairs is not measured', () => {
    const few = [...twelve(100_000).slice(0, 10), undefined, undefined]
    const showings = [showing('one', twelve(100_000)), showing('other', few)]
    expect(judgeGoal(goal, showings, 11).outcome).toBe('not measured')
  })
})

test('the help of the benches names every one of them and runs none', () => {
  const text = execFileSync(process.execPath, ['scripts/bench.mjs', '--help'], {
    cwd: root,
    encoding: 'utf8',
  })
  const listed = [...text.matchAll(/^ {2}([a-z-]+)$/gm)].map(([, name]) => name)
  const files = ['micro', 'macro'].flatMap((folder) =>
    readdirSync(join(root, 'bench', folder)).filter((file) => file.endsWith('.bench.ts')),
  )
  expect(listed).toEqual(files.map((file) => file.replace('.bench.ts', '')))
})
