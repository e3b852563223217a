/**
 * Goal: from readings of the TCP table come the right counts: who arrived, who remains, and who is
 * no client. Method: tables written by hand, reading after reading.
 */
import { describe, expect, test } from 'vitest'
import { networkOf } from '../../../../src/core/health/clients.ts'
import { CheckMarks, checkMarksMemory } from '../../../../src/core/health/clients-marks.ts'
import { readProcTable } from '../../../../src/core/health/clients-proc.ts'
import { TCP_ROW_BYTES, TcpRows, tcpStates } from '../../../../src/core/health/clients-rows.ts'
import { ClientTable } from '../../../../src/core/health/clients-table.ts'
import { parseAddress } from '../../../../src/core/net/address.ts'

interface Row {
  readonly local?: string
  readonly remote?: string
  readonly port?: number
  readonly remotePort?: number
  readonly state?: keyof typeof tcpStates
  readonly cookie?: number
}

const bytesOf = (text: string) => {
  const parsed = parseAddress(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value.bytes
}

function rowsOf(rows: readonly Row[]): TcpRows {
  const bytes = new Uint8Array(rows.length * TCP_ROW_BYTES)
  for (const [index, row] of rows.entries()) {
    const view = new DataView(bytes.buffer, index * TCP_ROW_BYTES)
    const local = bytesOf(row.local ?? '192.0.2.1')
    view.setUint8(0, local.length === 4 ? 4 : 6)
    view.setUint8(1, tcpStates[row.state ?? 'established'])
    view.setUint16(2, row.port ?? 80, true)
    view.setUint16(4, row.remotePort ?? 0, true)
    bytes.set(local, index * TCP_ROW_BYTES + 8)
    bytes.set(bytesOf(row.remote ?? '198.51.100.7'), index * TCP_ROW_BYTES + 24)
    view.setUint32(80, row.cookie ?? 0, true)
  }
  return new TcpRows(bytes, rows.length)
}

const listener: Row = { state: 'listen', remote: '0.0.0.0' }
const backend = { key: 'b', addresses: ['192.0.2.1'], port: 80 }

function world(own: readonly string[] = ['127.0.0.1'], overwatches: readonly string[] = []) {
  const marks = new CheckMarks(checkMarksMemory())
  const has = (all: readonly string[], address: Uint8Array) =>
    all.some((text) => bytesOf(text).join() === address.join())
  const table = new ClientTable({
    isOwn: (address) => has(own, address),
    isOverwatch: (address) => has(overwatches, address),
    checkAgeMs: (port, nowMs) => marks.ageMs(port, nowMs),
  })
  table.watch([backend], 0)
  let nowMs = 0
  const read = (rows: readonly Row[], ended: readonly Row[] = [], missed = false) => {
    nowMs += 100
    table.observe(
      { rows: rowsOf(rows), ended: rowsOf(ended), missed, endsHeard: true, complete: true },
      nowMs,
    )
    return table.report('b', nowMs)
  }
  return { read, marks, table }
}

describe('arrivals', () => {
  test('who was there at the first reading did not arrive', () => {
    const { read } = world()
    expect(read([listener, { remotePort: 1 }])).toMatchObject({ remaining: 1, arrived: 0 })
    expect(read([listener, { remotePort: 1 }, { remotePort: 2 }])).toMatchObject({
      remaining: 2,
      arrived: 1,
      quietSinceMs: 200,
    })
    expect(read([listener])).toMatchObject({ remaining: 0, arrived: 1, quietSinceMs: 200 })
  })

  test('a TIME-WAIT row nobody saw open came and went; one that was seen open did not', () => {
    const { read } = world()
    read([listener, { remotePort: 1, cookie: 5 }])
    const waits = (remotePort: number): Row => ({ remotePort, state: 'timeWait', cookie: 9 })
    expect(read([listener, waits(1), waits(2)])).toMatchObject({ remaining: 0, arrived: 1 })
    expect(read([listener, waits(1), waits(2)])).toMatchObject({ arrived: 1, quietSinceMs: 200 })
    // The same ports again, after the wait: another connection.
    expect(read([listener, { remotePort: 2, cookie: 11 }])).toMatchObject({ arrived: 2 })
  })

  test('a socket that ended and was never seen came and went; each counts once', () => {
    const { read } = world()
    read([listener, { remotePort: 1, cookie: 5 }])
    const ended = [
      { remotePort: 1, cookie: 5 },
      { remotePort: 2, cookie: 6 },
    ]
    expect(read([listener], ended)).toMatchObject({ remaining: 0, arrived: 1, quietSinceMs: 200 })
    // Its TIME-WAIT row in the same reading is no second one.
    const next = read(
      [listener, { remotePort: 3, state: 'timeWait' }],
      [{ remotePort: 3, cookie: 7 }],
    )
    expect(next).toMatchObject({ arrived: 2 })
  })

  test('the same ports with another cookie are another connection', () => {
    const { read } = world()
    read([listener, { remotePort: 1, cookie: 5 }])
    expect(read([listener, { remotePort: 1, cookie: 6 }])).toMatchObject({
      remaining: 1,
      arrived: 1,
    })
  })

  test('ends that the kernel is late with are told of: nothing is known since', () => {
    const { table } = world()
    const reading = { rows: rowsOf([listener]), ended: rowsOf([]), missed: false, complete: true }
    table.observe({ ...reading, endsHeard: true, endsLateMs: 700 }, 5_000)
    expect(table.report('b', 5_000)).toMatchObject({ atMs: 5_000, heardMs: 4_300 })
    table.observe({ ...reading, endsHeard: true }, 5_100)
    expect(table.report('b', 5_100)).toMatchObject({ atMs: 5_100, heardMs: 5_100 })
  })

  test('ends that were dropped by the kernel break the quiet', () => {
    const { read } = world()
    read([listener])
    expect(read([listener], [], true)).toMatchObject({ arrived: 0, quietSinceMs: 200 })
  })
})

describe('who is no client', () => {
  test('a check of ours is known by its port, also when the mark comes after the socket', () => {
    const { read, marks } = world()
    read([listener])
    marks.mark(1, 200)
    const check: Row = { remote: '127.0.0.1', remotePort: 1 }
    expect(read([listener, check])).toMatchObject({ remaining: 0, arrived: 0 })
    const late: Row = { remote: '127.0.0.1', remotePort: 2 }
    // Not decided yet: it counts as connected and breaks the quiet, and has not arrived.
    expect(read([listener, late])).toMatchObject({ remaining: 1, arrived: 0, quietSinceMs: 300 })
    marks.mark(2, 310)
    expect(read([listener, late])).toMatchObject({ remaining: 0, arrived: 0, quietSinceMs: 0 })
  })

  test('a client on this machine is a client, from when it was first seen', () => {
    const { read } = world()
    read([listener])
    const local: Row = { remote: '127.0.0.1', remotePort: 9 }
    read([listener, local])
    expect(read([listener, local])).toMatchObject({ remaining: 1, arrived: 1, quietSinceMs: 200 })
    const gone: Row = { remote: '127.0.0.1', remotePort: 10, cookie: 3 }
    // No reading in between may call it quiet.
    expect(read([listener], [gone])).toMatchObject({ remaining: 0, arrived: 1, quietSinceMs: 400 })
    expect(read([listener])).toMatchObject({ remaining: 0, arrived: 2, quietSinceMs: 400 })
  })

  test('an overwatch is none, unless its address is also ours', () => {
    const { read } = world(['203.0.113.2'], ['203.0.113.1', '203.0.113.2'])
    read([listener])
    const rows: Row[] = [
      listener,
      { remote: '203.0.113.1', remotePort: 1 },
      { remote: '203.0.113.2', remotePort: 2 },
    ]
    read(rows)
    expect(read(rows)).toMatchObject({ remaining: 1, arrived: 1 })
  })
})

describe('whose connection it is', () => {
  test('without a listener nothing is said, and a listener that closes later changes nothing', () => {
    const { read } = world()
    expect(read([{ remotePort: 1 }])).toBeUndefined()
    expect(read([listener, { remotePort: 1 }])).toMatchObject({ remaining: 1 })
    expect(read([{ remotePort: 1 }])).toMatchObject({ remaining: 1 })
  })

  test('another address of the same port is another backend’s, unless one listens on all', () => {
    const other: Row = { local: '192.0.2.2', remotePort: 5 }
    expect(world().read([listener, other])).toMatchObject({ remaining: 0 })
    const all: Row = { local: '0.0.0.0', state: 'listen', remote: '0.0.0.0' }
    expect(world().read([all, other])).toMatchObject({ remaining: 1 })
    const both: Row[] = [all, { ...listener, local: '192.0.2.2' }, other]
    expect(world().read(both)).toMatchObject({ remaining: 0 })
  })

  test('half-closed clients remain, connections that only wait do not', () => {
    const { read } = world()
    const states = [
      'closeWait',
      'synReceived',
      'timeWait',
      'finWait1',
      'finWait2',
      'lastAck',
    ] as const
    const rows = states.map((state, index): Row => ({ state, remotePort: index + 1 }))
    expect(read([listener, ...rows])).toMatchObject({ remaining: 2 })
  })

  test('networks are /24 and /48, the busiest first, also of those who just left', () => {
    const { read } = world()
    const all: Row = { local: '::', state: 'listen', remote: '::' }
    read([all])
    const seen = read([
      all,
      { remotePort: 1, remote: '198.51.100.1' },
      { remotePort: 2, remote: '198.51.100.2' },
      { local: '2001:db8::1', remotePort: 3, remote: '2001:db8:1:2::3' },
    ])
    expect(seen?.networks).toEqual([
      { network: '198.51.100.0/24', connections: 2 },
      { network: '2001:db8:1::/48', connections: 1 },
    ])
    expect(read([all])?.networks.length).toBe(2)
    for (let turn = 0; turn < 601; turn++) read([all])
    expect(read([all])?.networks).toEqual([])
    expect(networkOf(bytesOf('2001:db8::1'))).toBe('2001:db8::/48')
  })
})

test('the text of /proc/net/tcp and tcp6 gives the same rows', () => {
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 77 1',
    '   1: 0100007F:0050 0200007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 78 1',
    '   2: 0100007F:0051 0200007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 79 1',
    '   3: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000300007F:C001 06 00000000:00000000 03:00000010 00000000     0        0 0 3',
    '   4: B80D0120000000000000000001000000:0050 B80D0120000000000000000002000000:C002 08 00000000:00000000 00:00000000 00000000     0        0 80 1',
    'rubbish',
  ].join('\n')
  const into = new Uint8Array(8 * TCP_ROW_BYTES)
  expect(readProcTable(text, new Set([80]), into, 1)).toBe(4)
  const rows = new TcpRows(into, 5)
  const short = [1, 2, 3, 4].map((row) => {
    const { localAddress, remoteAddress, remotePort, state, inode, uid } = rows.decode(row)
    return [localAddress, remoteAddress, remotePort, state, inode, uid]
  })
  expect(short).toEqual([
    ['127.0.0.1', '0.0.0.0', 0, 10, 77, 1_000],
    ['127.0.0.1', '127.0.0.2', 0xc000, 1, 78, 0],
    ['127.0.0.1', '127.0.0.3', 0xc001, 6, 0, 0],
    ['2001:db8::1', '2001:db8::2', 0xc002, 8, 80, 0],
  ])
  // More rows than fit are counted and not written.
  expect(readProcTable(text, new Set([80]), new Uint8Array(TCP_ROW_BYTES), 0)).toBe(4)
})
