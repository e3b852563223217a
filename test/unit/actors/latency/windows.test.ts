/**
 * Goal: on Windows an agent learns from connections that stay open, says plainly why it cannot, and
 * counts clients without any right. Method: a stand-in for the addon, which writes rows as it does.
 */
import { describe, expect, test } from 'vitest'
import { timesOfWindows } from '../../../../src/actors/latency/ports-windows.ts'
import { windowsTable } from '../../../../src/actors/vitals/ports-table.ts'
import { TCP_ROW_BYTES, tcpStates } from '../../../../src/core/health/clients-rows.ts'
import type { WindowsTable } from '../../../../src/native/windows.ts'

/** One IPv4 connection to port 8080, with figures where they are asked for. */
function row(into: Uint8Array, withInfo: boolean): void {
  const view = new DataView(into.buffer, into.byteOffset, TCP_ROW_BYTES)
  into.set([4, tcpStates.established])
  view.setUint16(2, 8080, true)
  view.setUint16(4, 40_000, true)
  into.set([10, 0, 0, 1], 8)
  into.set([192, 0, 2, 5], 24)
  view.setUint32(80, 7, true)
  if (!withInfo) return
  view.setUint16(6, 1, true)
  view.setUint32(40, 42_000, true)
  view.setUint32(48, 40_000, true)
}

interface Asked {
  readonly family: number
  readonly withInfo: boolean
}

function addon(fault = 0, isAdministrator = true): WindowsTable & { asked: Asked[] } {
  const asked: Asked[] = []
  return {
    asked,
    isAdministrator: () => isAdministrator,
    dumpTcp: (family, ports, into, withInfo) => {
      asked.push({ family, withInfo })
      if (fault !== 0) return fault
      if (family === 6 || !ports.includes(8080)) return 0
      if (into.length >= TCP_ROW_BYTES) row(into, withInfo)
      return 1
    },
  }
}

describe('round-trip times from Windows', () => {
  test('are rows like those of Linux, of both families', () => {
    const table = addon()
    const opened = timesOfWindows(table)
    if (!opened.ok) throw new Error(opened.error)
    const rows = opened.value.open(Uint32Array.of(8080))!
    expect(rows.count).toBe(1)
    expect(rows.decode(0)).toMatchObject({
      ...{ family: 4, localPort: 8080, remoteAddress: '192.0.2.5', cookie: 7 },
      info: { rttUs: 42_000, minRttUs: 40_000 },
    })
    expect(table.asked.slice(-2)).toEqual([
      { family: 4, withInfo: true },
      { family: 6, withInfo: true },
    ])
  })

  test('say nothing of connections that ended, and that they do not', () => {
    const opened = timesOfWindows(addon())
    if (!opened.ok) throw new Error(opened.error)
    expect(opened.value.endsHeard).toEqual({
      ok: false,
      error: 'Windows tells nobody of connections that ended',
    })
    expect(opened.value.ended(Uint32Array.of(8080))).toMatchObject({ missed: false, more: false })
  })

  test('need an administrator, before any connection is there to be refused', () => {
    expect(timesOfWindows(addon(0, false))).toEqual({
      ok: false,
      error: 'Windows lets administrators alone read round-trip times; this process is none',
    })
  })

  test('need statistics, which an old or stripped system lacks', () => {
    expect(timesOfWindows(addon(-127))).toEqual({
      ok: false,
      error: 'this Windows has no statistics of TCP connections',
    })
  })

  test('are missing for a reading that is refused', () => {
    const table = addon()
    const opened = timesOfWindows(table)
    if (!opened.ok) throw new Error(opened.error)
    table.dumpTcp = () => -5
    expect(opened.value.open(Uint32Array.of(8080))).toBeUndefined()
  })
})

test('clients are counted on Windows without statistics, so by anybody', () => {
  const table = addon(0, false)
  const reading = windowsTable(table).read([8080])!
  expect(reading.rows.count).toBe(1)
  expect(reading).toMatchObject({ endsHeard: false, missed: false, complete: true })
  expect(table.asked.every(({ withInfo }) => !withInfo)).toBe(true)
})
