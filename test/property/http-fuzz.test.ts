/**
 * Hostile HTTP against both back ends with the whole API behind them: no crash, no 500, no request
 * left hanging, no right gained, and nothing held once the clients are gone.
 *
 * Goal: what a stranger can send must cost the stranger more than the node.
 * Method: requests made of odd parts, cut anywhere, sent whole or in two pieces, half closed or
 * reset; the seed is printed by a failure. OPENGSLB_FULL=1 sends 100,000.
 */
import { afterAll, describe, expect, test } from 'vitest'
import type { HttpFront, Listen } from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { hostileHttp } from '../harness/http-mutator.ts'
import { sendRaw } from '../harness/raw-client.ts'
import { apiWorld } from '../unit/actors/api/world.ts'

const uws = loadUws({ ...realOrigin(), forced: undefined })
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

const TOTAL = process.env['OPENGSLB_FULL'] === '1' ? 100_000 : 1_500
const EACH = Math.ceil(TOTAL / fronts.length)
const AT_ONCE = 32
const SEED = Number(process.env['SEED'] ?? 20_261_121)

const open: HttpFront[] = []
afterAll(async () => {
  for (const front of open) await front.close()
})

describe.each(fronts)('hostile requests to the API on %s', (name, listen) => {
  test(`${EACH} of them gain nothing and leave nothing`, async () => {
    const faults: unknown[] = []
    const world = await apiWorld({ authRequired: true })
    const handle = world.behaviour.receive['shell.handle-request']
    let pending = 0
    const front = await listen({
      address: '127.0.0.1:0',
      limits: { requestMs: 1_000 },
      onFault: (fault) => faults.push(fault),
      onRequest: async (request) => {
        pending++
        return await Promise.resolve(handle(request)).finally(() => pending--)
      },
    })
    if (!front.ok) throw new Error(front.error.message)
    open.push(front.value)
    const { port } = front.value
    const random = seededRandom(SEED)
    const odd: string[] = []
    let left = EACH
    let rssAtTenth = 0
    const client = async () => {
      while (left-- > 0) {
        if (left === Math.floor(EACH * 0.9)) rssAtTenth = process.memoryUsage().rss
        const bytes = hostileHttp(random)
        const said = await sendRaw(port, bytes, random)
        const status = /^HTTP\/1\.1 (\d{3})/.exec(said)?.[1]
        if (said === 'hung' || status === '500' || (said !== '' && status === undefined))
          odd.push(`${JSON.stringify(bytes)} -> ${said.slice(0, 200)}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    expect(odd, `${name}, seed ${SEED}`).toEqual([])
    expect(faults).toEqual([])
    // No change was asked of anybody: no right was gained.
    expect(world.asked.filter(([id]) => /set|clear|lift|revoke|forget/.test(id))).toEqual([])
    const alive = await sendRaw(port, 'GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n', {
      next: () => 1,
      below: () => 1,
    })
    expect(alive).toMatch(/^HTTP\/1\.1 200 /)
    expect(pending).toBe(0)
    // Room for what the collector has not taken back yet; a leak of 4 KiB a request is twice this.
    const grownMb = (process.memoryUsage().rss - rssAtTenth) / 1_048_576
    expect(grownMb).toBeLessThan(96)
  }, 900_000)
})
