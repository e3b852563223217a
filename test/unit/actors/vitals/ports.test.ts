/**
 * Goal: the real files are read as they are: cgroups of both versions, the drain file at once, the
 * saved drains whole or not at all, an application's counters. Method: trees of files in a folder
 * of the test, and a server on loopback.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DrainFileSeen } from '../../../../src/actors/vitals/contract.ts'
import {
  loadDrains,
  setAside,
  saveDrains,
  watchDrainFile,
} from '../../../../src/actors/vitals/ports-drains.ts'
import { errorReader } from '../../../../src/actors/vitals/ports-errors.ts'
import { machineReader } from '../../../../src/actors/vitals/ports-machine.ts'
import { openPorts } from '../../../../src/actors/vitals/ports.ts'
import { limits } from '../../../../src/core/base/limits.ts'

let folder = ''
const cleanups: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitals-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
  rmSync(folder, { recursive: true, force: true })
})

function tree(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const whole = join(folder, path)
    mkdirSync(join(whole, '..'), { recursive: true })
    writeFileSync(whole, text)
  }
}

const host = {
  'proc/stat': 'cpu  100 0 50 800 50 0 0 0 0 0\n',
  'proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 250 kB\n',
}

/** Reads the tree twice, the second time after `change`, ten seconds of the clock later. */
async function percentOf(change: () => void, cgroup = '') {
  let nowMs = 0
  const roots = { proc: join(folder, 'proc'), cgroups: join(folder, 'cg'), cgroup }
  const read = machineReader({ ...roots, monotonicMs: () => nowMs })
  const first = await read()
  nowMs = 10_000
  change()
  const second = await read()
  const busy = second.cpu!.busy - first.cpu!.busy
  const whole = second.cpu!.whole - first.cpu!.whole
  return {
    cpu: Math.round((100 * busy) / whole),
    memory: Math.round(second.memoryPercent ?? -1),
    from: `${second.cpuFrom} ${second.memoryFrom}`,
  }
}

describe('the machine', () => {
  test('version 2: what is used of the quota and of memory.max without the dropped cache', async () => {
    tree({
      ...host,
      'proc/self/cgroup': '0::/pod/app\n',
      'cg/pod/app/cpu.stat': 'usage_usec 1000000\n',
      'cg/pod/app/cpu.max': '50000 100000\n',
      'cg/pod/app/memory.current': '600\n',
      'cg/pod/app/memory.max': '1000\n',
      'cg/pod/app/memory.stat': 'anon 1\ninactive_file 200\n',
    })
    const found = await percentOf(() =>
      tree({ 'cg/pod/app/cpu.stat': 'usage_usec 5000000\nuser_usec 1\n' }),
    )
    // Four seconds of processor in ten, of half a processor: 80 percent.
    expect(found).toEqual({ cpu: 80, memory: 40, from: 'cgroup2 cgroup2' })
  })

  test('a limit of a folder above holds where the own one has none', async () => {
    tree({
      ...host,
      'proc/self/cgroup': '0::/pod/app\n',
      'cg/pod/app/cpu.stat': 'usage_usec 1\n',
      'cg/pod/app/cpu.max': 'max 100000\n',
      'cg/pod/cpu.stat': 'usage_usec 0\n',
      'cg/pod/cpu.max': '100000 100000\n',
      'cg/pod/app/memory.current': '600\n',
      'cg/pod/app/memory.max': 'max\n',
      'cg/pod/app/memory.stat': 'anon 1\n',
    })
    const found = await percentOf(() => tree({ 'cg/pod/cpu.stat': 'usage_usec 1000000\n' }))
    expect(found).toEqual({ cpu: 10, memory: 75, from: 'cgroup2 proc' })
  })

  test('version 1, with its controllers apart', async () => {
    tree({
      ...host,
      'proc/self/cgroup': '4:memory:/m\n3:cpuacct:/c\n2:cpu:/c\n',
      'cg/cpuacct/c/cpuacct.usage': '0\n',
      'cg/cpu/c/cpu.cfs_quota_us': '100000\n',
      'cg/cpu/c/cpu.cfs_period_us': '100000\n',
      'cg/memory/m/memory.usage_in_bytes': '900\n',
      'cg/memory/m/memory.limit_in_bytes': '1000\n',
      'cg/memory/m/memory.stat': 'inactive_file 1\ntotal_inactive_file 300\n',
    })
    const found = await percentOf(() => tree({ 'cg/cpuacct/c/cpuacct.usage': '2500000000\n' }))
    expect(found).toEqual({ cpu: 25, memory: 60, from: 'cgroup1 cgroup1' })
  })

  test('a quota over the processors that exist counts as those', async () => {
    tree({
      ...host,
      'own/cpu.stat': 'usage_usec 0\n',
      'own/cpu.max': '100000000 100000\n',
    })
    const used = availableParallelism() * 10_000_000
    const found = await percentOf(
      () => tree({ 'own/cpu.stat': `usage_usec ${used}\n` }),
      join(folder, 'own'),
    )
    expect(found).toMatchObject({ cpu: 100, from: 'cgroup2 proc' })
  })

  test('without limits the machine is read, and without /proc Node.js is asked', async () => {
    tree(host)
    const found = await percentOf(() => tree({ 'proc/stat': 'cpu  130 0 50 860 60 0 0 0 0 0\n' }))
    expect(found).toEqual({ cpu: 30, memory: 75, from: 'proc proc' })
    rmSync(join(folder, 'proc'), { recursive: true })
    const roots = { proc: join(folder, 'none'), cgroups: join(folder, 'none'), cgroup: '' }
    const read = await machineReader({ ...roots, monotonicMs: () => 0 })()
    expect([read.cpuFrom, read.memoryFrom]).toEqual(['os', 'os'])
    expect(read.memoryPercent).toBeGreaterThan(0)
  })

  test('this machine gives numbers that make sense', async () => {
    const ports = openPorts({})
    const first = await ports.readMachine()
    const spinUntilMs = performance.now() + 100
    while (performance.now() < spinUntilMs);
    const second = await ports.readMachine()
    expect(second.cpu!.whole).toBeGreaterThan(first.cpu!.whole)
    expect(second.cpu!.busy).toBeGreaterThan(first.cpu!.busy)
    expect(second.memoryPercent).toBeGreaterThan(0)
    expect(second.memoryPercent).toBeLessThanOrEqual(100)
  })
})

describe('a drain file', () => {
  function watched(path: string) {
    const seen: DrainFileSeen[] = []
    cleanups.push(watchDrainFile(path, (file) => seen.push(file)))
    const next = async (count: number) => {
      await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), {
        interval: 1,
        timeout: 5_000,
      })
      return seen[count - 1]!
    }
    return { seen, next }
  }

  test('is seen as it is made, changed, replaced and removed, without a poll', async () => {
    const path = join(folder, 'drain')
    const none = setTimeout(() => {}, 0)
    const poll = vi.spyOn(globalThis, 'setInterval').mockReturnValueOnce(none)
    const { next } = watched(path)
    expect(poll).toHaveBeenCalledTimes(1)
    poll.mockRestore()
    expect(await next(1)).toMatchObject({ present: false })
    const steps = [
      () => writeFileSync(path, ''),
      () => writeFileSync(path, 'why'),
      () => {
        writeFileSync(`${path}.new`, 'other')
        renameSync(`${path}.new`, path)
      },
      () => rmSync(path),
    ]
    for (const [index, step] of steps.entries()) {
      step()
      expect(await next(index + 2)).toMatchObject({ present: index < steps.length - 1 })
    }
  })

  test('its text is read, as much as the limit allows', async () => {
    const path = join(folder, 'drain')
    writeFileSync(path, 'x'.repeat(100_000))
    const { next } = watched(path)
    const first = await next(1)
    expect(first.present && first.text.length).toBe(limits.drainFileBytes.default)
  })

  test('one in a folder that is made later is seen by the poll', async () => {
    const path = join(folder, 'later', 'drain')
    const { next } = watched(path)
    await next(1)
    mkdirSync(join(folder, 'later'))
    writeFileSync(path, '')
    expect(await next(2)).toMatchObject({ present: true })
  })

  test('one that cannot be looked at stays as it was, and says so once', async () => {
    const share = join(folder, 'share')
    const path = join(share, 'drain')
    mkdirSync(share)
    writeFileSync(path, 'why')
    const { seen, next } = watched(path)
    expect(await next(1)).toMatchObject({ present: true, text: 'why' })
    renameSync(share, `${share}.away`)
    symlinkSync(share, share)
    expect(await next(2)).toMatchObject({ present: true, text: 'why', fault: 'ELOOP' })
    expect(await loadDrains(path)).toBe('unreadable')
    rmSync(share)
    renameSync(`${share}.away`, share)
    rmSync(path)
    expect(await next(3)).toMatchObject({ present: false })
    // Between the two names there was no folder, so no file.
    expect(seen.length).toBe(3)
  })

  test('saved drains come back, and what is no file says so', async () => {
    const path = join(folder, 'drains.json')
    expect(await loadDrains(path)).toBe('absent')
    expect(await saveDrains(path, 'one')).toBe(true)
    expect(await saveDrains(path, 'two')).toBe(true)
    expect(await loadDrains(path)).toEqual({ text: 'two' })
    expect(await saveDrains(join(folder, 'no', 'such', 'x'), 'y')).toBe(false)
    expect(await loadDrains(folder)).toBe('unreadable')
  })

  test('what cannot be taken up is kept beside the next that is saved', async () => {
    const path = join(folder, 'cut.json')
    expect(await setAside(path)).toBeUndefined()
    writeFileSync(path, '{"cut')
    expect(await setAside(path)).toBe(`${path}.damaged`)
    expect(await loadDrains(path)).toBe('absent')
    expect(await saveDrains(path, 'new')).toBe(true)
    expect(await loadDrains(`${path}.damaged`)).toEqual({ text: '{"cut' })
  })
})

describe('an application’s errors', () => {
  async function serving(reply: (path: string) => { status?: number; body: string }) {
    const server = createServer((request, response) => {
      const { status = 200, body } = reply(request.url ?? '')
      if (body === 'hang') return
      response.writeHead(status).end(body)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    cleanups.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('are two counters of its page', async () => {
    const at = await serving((path) =>
      path === '/metrics'
        ? { body: 't_total{c="200"} 90\nt_total{c="500"} 10\n' }
        : { status: 500, body: '' },
    )
    const read = errorReader()
    const source = { kind: 'metrics', errors: 't_total{c=~"5.."}', total: 't_total' } as const
    expect(await read({ ...source, url: `${at}/metrics` })).toEqual({ errors: 10, total: 100 })
    expect(await read({ ...source, url: `${at}/gone` })).toBeUndefined()
    expect(await read({ ...source, url: 'http://127.0.0.1:1/' })).toBeUndefined()
    expect(await read({ ...source, url: 'nonsense' })).toBeUndefined()
    const none = { ...source, url: `${at}/metrics`, errors: 'never_total' }
    expect(await read(none)).toEqual({ errors: 0, total: 100 })
  })

  test('a page without end is cut at a line, and one that hangs is given up', async () => {
    const line = `x_total{a="${'y'.repeat(990)}"} 1\n`
    const at = await serving((path) => ({
      body: path === '/long' ? line.repeat(6_000) : 'hang',
    }))
    const read = errorReader()
    const source = { kind: 'metrics', errors: 'x_total', total: 'x_total' } as const
    const long = await read({ ...source, url: `${at}/long` })
    expect(long?.total).toBe(Math.floor(limits.metricsPageBytes.default / line.length))
    expect(await read({ ...source, url: `${at}/hang` })).toBeUndefined()
  })

  test('are lines of its log, from its end on, through a rotation', async () => {
    const path = join(folder, 'app.log')
    writeFileSync(path, 'ERROR old\n'.repeat(5))
    const read = errorReader()
    const source = { kind: 'log', path, errors: 'ERROR', total: '' } as const
    expect(await read(source)).toEqual({ errors: 0, total: 0 })
    writeFileSync(path, 'ok\nERROR a\nhalf a li', { flag: 'a' })
    expect(await read(source)).toEqual({ errors: 1, total: 2 })
    writeFileSync(path, 'ne ERROR\n', { flag: 'a' })
    expect(await read(source)).toEqual({ errors: 2, total: 3 })
    renameSync(path, `${path}.1`)
    expect(await read(source)).toBeUndefined()
    writeFileSync(path, 'ERROR new\nok\n')
    expect(await read(source)).toEqual({ errors: 3, total: 5 })
  })
})
