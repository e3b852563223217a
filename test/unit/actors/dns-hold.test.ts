// Goal: the port of a killed process says nothing for a moment, and a process that is started
// meanwhile waits for it; one that stops in order leaves nothing behind.
// Method: a process with a socket of the addon and the real hold, killed; a connected UDP socket
// hears of a closed port as an error (ICMP).
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openHeld } from '../../../src/actors/dns/ports-hold.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { projectRoot, until } from '../../harness/program.ts'

const HOLD_MS = limits.clusterHoldMs.default

/** A process that opens a socket, holds it, and waits; its port. */
async function holding(isOrderly: boolean) {
  const script = `
    const { lendSockets } = await import('${projectRoot}dist/actors/dns/ports-sockets.js')
    const { holdSockets } = await import('${projectRoot}dist/actors/dns/ports-hold.js')
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 1, batchSize: 8 })
    const letGo = holdSockets(lent.threads)
    process.on('SIGTERM', () => { letGo(); process.exit() })
    process.stdout.write(String(lent.threads[0][0].port))
    setInterval(() => {}, 1000)`
  const words = ['--input-type=module', '-e', script]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    port: Number(port.toString()),
    end: async () => {
      const ended = once(child, 'exit')
      child.kill(isOrderly ? 'SIGTERM' : 'SIGKILL')
      await ended
    },
  }
}

/** Whether somebody says at once that nobody is at the port. */
async function isClosed(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const refused = new Promise<boolean>((resolve) => socket.once('error', () => resolve(true)))
  socket.send('x')
  const said = await Promise.race([refused, sleep(60, false)])
  socket.close()
  return said
}

describe('the port of a process', () => {
  test('that was killed is silent for a moment, and then closed', async () => {
    const { port, end } = await holding(false)
    await end()
    expect(await isClosed(port)).toBe(false)
    await until('it is closed', () => isClosed(port), HOLD_MS * 8)
  }, 20_000)

  test('that stopped in order is closed', async () => {
    const { port, end } = await holding(true)
    await end()
    await until('it is closed', () => isClosed(port), HOLD_MS / 2)
  }, 20_000)
})

test('an address that is held is opened as soon as it is free, and given up after a while', async () => {
  let tries = 0
  expect(
    await openHeld(
      () => ++tries,
      (number) => number < 3,
    ),
  ).toBe(3)
  expect(
    await openHeld(
      () => 'taken',
      () => true,
    ),
  ).toBe('taken')
})
