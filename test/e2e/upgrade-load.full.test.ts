/**
 * Goal: 60 replacements in 60 s, at half of what can be answered, lose no query and answer none
 * wrongly.
 * Method: the built program with as many threads as it takes by itself, asked by the load generator
 * on another core at half the rate it was seen to answer, and replaced again and again meanwhile.
 * How many come to pass is a matter of the machine and of what else it does, so it is told, with
 * the load, and asserted only where `OPENGSLB_REPLACEMENTS` says how many.
 */
import { loadavg } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLoad } from '../../bench/support/hotpath/generator.ts'
import { compileNative } from '../../bench/support/hotpath/native.ts'
import { NAME, UpgradeSite } from '../harness/upgrade-site.ts'

const SECONDS = 60
const ADDRESSES = ['127.10.9.41', '127.10.9.42', '127.10.9.43']
/** `share;name;size;type;flags;rcode;answers;base;count` of bench/native/query.h. */
const KIND = `1;${NAME};1;1;e;0;1;${ADDRESSES[0]};${ADDRESSES.length}`

const site = new UpgradeSite(ADDRESSES)

beforeAll(() => site.start(), 60_000)

afterAll(() => site.remove(), 30_000)

test('replacements at half capacity lose nothing', async () => {
  const native = compileNative()
  if (typeof native === 'string') throw new Error(native)
  const { dns: port } = site.ports
  const plan = { port, transport: 'udp', kinds: [KIND], warmupSeconds: 1, watched: [] } as const
  const asFastAsPossible = { ...plan, seconds: 3, echo: false }
  const { answered, seconds } = await runLoad(native.generator, [0], asFastAsPossible)
  const rate = Math.round(answered / seconds / 2)
  const load = { ...plan, seconds: SECONDS, rate, echo: false, patienceSeconds: 3 }
  let isOver = false
  const counted = runLoad(native.generator, [0], load).finally(() => {
    isOver = true
  })
  const tookMs: number[] = []
  while (!isOver) tookMs.push(await site.succession.replace())
  const { asked, lost, wrong, skipped, latencyNs } = await counted
  const sorted = tookMs.toSorted((a, b) => a - b)
  console.info(
    `${tookMs.length} replacements in ${SECONDS} s, median ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, ` +
      `at ${rate} queries/s (half of what is answered at most): ${asked} asked, ${lost} lost, ` +
      `${wrong} wrong, ${skipped} not asked for want of room; p50 ${latencyNs.p50 / 1e6} ms, ` +
      `p99.9 ${latencyNs.p999 / 1e6} ms, longest ${latencyNs.max / 1e6} ms; ` +
      `load of the machine ${loadavg()[0]?.toFixed(1)}`,
  )
  expect([lost, wrong]).toEqual([0, 0])
  const wanted = Number(process.env['OPENGSLB_REPLACEMENTS'] ?? 0)
  expect(tookMs.length).toBeGreaterThanOrEqual(wanted)
}, 300_000)
