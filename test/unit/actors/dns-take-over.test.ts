// Goal: a successor that has let the process before it stop, and then hangs, does not keep it from
// going on. Method: the real hand-over with a process of the built program's parts that says
// "release" and nothing more; what it may take is cut short.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { offerSockets } from '../../../src/actors/dns/ports-handover.ts'
import { addressOf, areAt, lendSockets, movedFrom } from '../../../src/actors/dns/ports-sockets.ts'
import { lockAgain, lockDataDir } from '../../../src/actors/registry/ports-lock.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { projectRoot, until } from '../../harness/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'opengslb-take-over-'))
const serving = limits.handoverServingMs as { default: number }
const usualMs = serving.default

afterEach(() => {
  serving.default = usualMs
  rmSync(folder, { recursive: true, force: true })
})

const wish = { listenAddress: '127.0.0.1:0', threads: 2, batchSize: 8 }

test('a successor that hangs is ended, and the data directory can be had again', async () => {
  serving.default = 1_000
  const lock = await lockDataDir(folder)
  if (!lock.ok) throw new Error(lock.error.message)
  const lent = lendSockets(wish)
  let isLocked: boolean | undefined
  let left = 0
  const close = await offerSockets(
    folder,
    { threads: lent.threads, listener: undefined, cookieSecret: new Uint8Array(16) },
    {
      release: async () => lock.value.release(),
      resume: async () => {
        isLocked = (await lockAgain(folder, 2_000)).ok
      },
      leave: (successor) => {
        left = successor
      },
    },
    () => {},
  )
  const script = `
    const { takeSockets } = await import('${projectRoot}dist/actors/dns/ports-handover.js')
    const { lockDataDir } = await import('${projectRoot}dist/actors/registry/ports-lock.js')
    const taken = takeSockets('${folder}', 8)
    await taken.value.release()
    const lock = await lockDataDir('${folder}')
    process.stdout.write(String(lock.ok))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  expect(String((await once(child.stdout, 'data'))[0])).toBe('true')
  expect((await ended)[1]).toBe('SIGKILL')
  await until('the old process goes on', () => isLocked === true)
  expect(left).toBe(0)
  close()
  lent.close()
})

test('sockets are where the file says, in any of its words', () => {
  const at = (host: string) => ({ ...wide[0]!, host })
  const lent = lendSockets(wish)
  const [wide] = lent.threads as [(typeof lent.threads)[number]]
  const { port } = wide[0]!
  const both = [at('0.0.0.0'), at('::')]
  const four = [at('0.0.0.0')]
  for (const [sockets, place, hasIpv6, isThere] of [
    [both, `:${port}`, true, true],
    [both, `[::]:${port}`, true, true],
    [both, `0.0.0.0:${port}`, true, false],
    [four, `0.0.0.0:${port}`, true, true],
    [four, `:${port}`, true, false],
    [four, `:${port}`, false, true],
    [four, `0.0.0.0:${port + 1}`, true, false],
    [[at('::1')], `[::1]:${port}`, true, true],
    [[at('::1')], `127.0.0.1:${port}`, true, false],
  ] as const)
    expect(areAt(sockets, place, hasIpv6), `${sockets.length} ${place}`).toBe(isThere)
  const elsewhere = `127.0.0.9:${port}`
  expect(addressOf(both, elsewhere)).toBe(`:${port}`)
  expect(addressOf(four, elsewhere)).toBe(`0.0.0.0:${port}`)
  const same = { ...wish, listenAddress: `127.0.0.1:${port}` }
  expect(movedFrom(lent.threads, same)).toEqual([])
  expect(movedFrom(lent.threads, { ...same, threads: 3, listenAddress: elsewhere })).toEqual([
    `dns.listen_address ${elsewhere} needs a restart; the sockets stay where they are`,
    'dns.threads: 3 need a restart; there are 2 as before',
  ])
  expect(lendSockets({ ...wish, listenAddress: `127.0.0.1:${port}` })).toMatchObject({
    fault: 'EADDRINUSE',
    notes: [expect.stringContaining(`EADDRINUSE 127.0.0.1:${port}`)],
  })
  lent.close()
})
