/**
 * Goal: the reader of Windows' TCP table turns its structures into our rows, begins the collection
 * of statistics itself, and survives what Windows may answer. Method: compiled by mingw-w64 and run
 * by Wine, over a made-up table, and over that of the system that Wine shows. Wine has no
 * statistics of connections, so those of a real Windows were never read.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TCP_ROW_BYTES, type TcpRow, TcpRows } from '../../src/core/health/clients-rows.ts'
import { projectRoot } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const execute = promisify(execFile)
const isAble = has('x86_64-w64-mingw32-g++', 'wine')

/** The result of a reading, and its rows. */
interface Reading {
  readonly result: number
  readonly rows: readonly TcpRow[]
}

function parse(line: string): Reading {
  const [result, ...hex] = line.trim().split(' ')
  const bytes = Buffer.from(hex.join(''), 'hex')
  const rows = new TcpRows(bytes, bytes.length / TCP_ROW_BYTES)
  return {
    result: Number(result),
    rows: Array.from({ length: rows.count }, (_, row) => rows.decode(row)),
  }
}

describe.runIf(isAble)("the reader of Windows' TCP table", () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-wine-'))
  const program = join(folder, 'windows-table.exe')
  const env = { PATH: process.env['PATH'], HOME: folder, WINEPREFIX: folder, WINEDEBUG: '-all' }

  async function read(...words: readonly string[]): Promise<Reading[]> {
    const { stdout } = await execute('wine', [program, ...words], { env, timeout: 120_000 })
    return stdout.trim().split('\n').map(parse)
  }

  beforeAll(async () => {
    const sources = ['iphlpapi', 'estats', 'tcp_table'].map((name) =>
      join(projectRoot, 'src', 'native', 'windows', `${name}.cc`),
    )
    const made = spawnSync(
      'x86_64-w64-mingw32-g++',
      [
        ...['-std=c++17', '-O1', '-static', '-D_WIN32_WINNT=0x0602', '-o', program],
        ...[join(projectRoot, 'test', 'native', 'windows-table.cc'), ...sources],
      ],
      { encoding: 'utf8' },
    )
    expect(made.stderr).toBe('')
    // The first run lays out Wine's folder.
    await read('figures', '4', '1')
  }, 240_000)

  afterAll(() => {
    spawnSync('wineserver', ['-k'], { env })
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  })

  test('begins the collection, and has its figures at the next reading', async () => {
    const [first, second] = await read('figures', '4', '8080', 'info')
    expect(first).toMatchObject({ result: 3 })
    expect(first!.rows.map(({ info }) => info)).toEqual([undefined, undefined, undefined])
    expect(second!.rows[0]).toEqual({
      ...{ family: 4, state: 1, localAddress: '10.0.0.1', localPort: 8080 },
      ...{ remoteAddress: '192.0.2.5', remotePort: 40_000, inode: 77, uid: 0 },
      cookie: first!.rows[0]!.cookie,
      info: {
        ...{ rttUs: 42_000, rttVarUs: 3_000, minRttUs: 500, retransmits: 2 },
        ...{ dataSegmentsIn: 17, dataSegmentsOut: 31 },
        ...{ bytesAcked: 5_000_000_000, bytesReceived: 700 },
      },
    })
    // The least of all is none yet, and a listener has no figures.
    expect(second!.rows[1]).toMatchObject({ state: 8, remoteAddress: '192.0.2.6' })
    expect(second!.rows[1]!.info).not.toHaveProperty('minRttUs')
    expect(second!.rows[2]).toMatchObject({ state: 10, remotePort: 0 })
    expect(second!.rows[2]!.info).toBeUndefined()
    expect(new Set(second!.rows.map(({ cookie }) => cookie)).size).toBe(3)
  })

  test('reads IPv6, whose rows have another order, and IPv4 within it', async () => {
    const [, second] = await read('figures', '6', '8080', 'info')
    expect(second!.rows[0]).toMatchObject({
      ...{ family: 6, state: 1, localAddress: '2001:db8::1', remoteAddress: '2001:db8::7' },
      ...{ localPort: 8080, remotePort: 40_000, info: { rttUs: 42_000 } },
    })
    expect(second!.rows[1]).toMatchObject({
      ...{ family: 4, localAddress: '198.51.100.1', remoteAddress: '198.51.100.8' },
    })
  })

  test('chooses by the whole port, not by its low byte', async () => {
    // 144 is what is left of 8080 in one byte.
    expect(await read('figures', '4', '144')).toEqual([
      { result: 0, rows: [] },
      { result: 0, rows: [] },
    ])
  })

  test('says that statistics are refused, and gives connections without them', async () => {
    expect((await read('refused', '4', '8080', 'info'))[0]!.result).toBe(-5)
    expect((await read('refused', '4', '8080'))[0]!.result).toBe(3)
  })

  test('passes over connections that are gone when they are asked for', async () => {
    const readings = await read('gone', '6', '8080', 'info')
    for (const { result, rows } of readings) {
      expect(result).toBe(3)
      expect(rows.every(({ info }) => info === undefined)).toBe(true)
    }
  })

  test('reads no further than its memory when a table claims more rows', async () => {
    expect((await read('short', '4', '8080', 'info'))[1]!.result).toBe(3)
  })

  test('says that a system has no statistics, and gives its connections', async () => {
    expect((await read('bare', '4', '8080', 'info'))[0]!.result).toBe(-127)
    expect((await read('bare', '4', '8080'))[0]!.result).toBe(3)
  })

  test.each(['127.0.0.1', '::1'])('finds a real listener by the table of Wine: %s', async (at) => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, at, done))
    const { port } = server.address() as AddressInfo
    const family = at === '::1' ? '6' : '4'
    const [reading] = await read('system', family, String(port))
    server.close()
    expect(reading!.rows).toHaveLength(1)
    expect(reading!.rows[0]).toMatchObject({ localAddress: at, localPort: port, state: 10 })
  })
})
