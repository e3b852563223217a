// Goal: what the kernel drops on the lent sockets is in the metrics, exactly and at once.
// Method: real sockets that nobody reads, flooded; the scrape of the main thread with fake metrics.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readCounts } from '../../../src/actors/dns/ports-scrape.ts'
import { lendSockets } from '../../../src/actors/dns/ports-sockets.ts'
import { loadNative } from '../../../src/native/index.ts'
import { Client, hasAddon, message } from '../../harness/dns-fronts.ts'
import { fakeMetrics } from '../../harness/fake-metrics.ts'

test.runIf(hasAddon)('drops are counted from where another process left off', async () => {
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 1, batchSize: 32 })
  onTestFinished(lent.close)
  const [socket] = lent.threads[0]!
  const client = new Client('127.0.0.1', socket!.port)
  onTestFinished(() => client.close())
  const flood = async () => {
    for (let sent = 0; sent < 16_000; sent++) client.send(message(1))
    await sleep(50)
    return native.value.dropped(socket!.receiver)
  }
  const before = await flood()
  expect(before).toBeGreaterThan(0)
  const counted = (drops?: number) => {
    const metrics = fakeMetrics()
    const given = drops === undefined ? socket! : { ...socket!, drops }
    const scrape = readCounts([[given]])(metrics)
    return () => {
      scrape.read()
      return metrics.value('opengslb_dns_kernel_drops_total')
    }
  }
  const [own, inherited, wrapped] = [counted(), counted(before), counted(2 ** 32 - 10)]
  expect([own(), inherited(), wrapped()]).toEqual([before, 0, before + 10])
  const after = await flood()
  expect(after).toBeGreaterThan(before)
  expect([own(), inherited(), wrapped()]).toEqual([after, after - before, after + 10])
})
