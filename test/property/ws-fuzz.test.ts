/**
 * Hostile WebSocket clients against both back ends: whatever breaks RFC 6455 is ended, nothing is
 * answered with a 500, nobody who reads misses an event meanwhile, and nothing is held afterwards.
 *
 * Goal: what a stranger can send must cost the stranger more than the node.
 * Method: attacks drawn from a list (test/harness/ws-mutator.ts), sent whole, with the handshake,
 * or byte by byte, by clients some of which read nothing and some of which reset; the seed is
 * printed by a failure. OPENGSLB_FULL=1 sends 100,000.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { Listen } from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { connectWs } from '../contract/feed-client.ts'
import { closeAll, FeedWorld, numbersOf, open, upTo } from '../harness/feed-world.ts'
import { until } from '../harness/program.ts'
import { attackWs } from '../harness/raw-client.ts'
import { wsAttack } from '../harness/ws-mutator.ts'

const uws = loadUws({ ...realOrigin(), forced: undefined })
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

const TOTAL = process.env['OPENGSLB_FULL'] === '1' ? 100_000 : 3_000
const EACH = Math.ceil(TOTAL / fronts.length)
const AT_ONCE = 48
const SEED = Number(process.env['SEED'] ?? 20_261_121)

afterEach(closeAll)

describe.each(fronts)('hostile WebSockets on %s', (name, listen) => {
  test(`${EACH} of them break nothing, and a reader beside them misses nothing`, async () => {
    const world = await new FeedWorld().serve(listen)
    const reader = await connectWs(world.port)
    open.push(reader.end)
    const telling = setInterval(() => world.log.length < 5_000 && world.tell(1), 20)
    open.push(() => clearInterval(telling))
    const random = seededRandom(SEED)
    const wrong: string[] = []
    let left = EACH
    let rssAtThird = 0
    const client = async () => {
      while (left-- > 0) {
        if (left === Math.floor((EACH * 2) / 3)) rssAtThird = process.memoryUsage().rss
        const attack = wsAttack(random)
        const { status, ended } = await attackWs(world.port, attack, random)
        const isIn = status === 101
        const isWrong =
          status === 500 ||
          (attack.expected === 'refused' && isIn) ||
          (attack.expected === 'ended' && isIn && ended === 'by us')
        if (isWrong) wrong.push(`${attack.name}: ${status}, ended ${ended}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    clearInterval(telling)
    expect(wrong, `${name}, seed ${SEED}`).toEqual([])
    expect(world.faults).toEqual([])
    await until('the reader has all', () => numbersOf(reader.heard).length === world.log.length)
    expect(numbersOf(reader.heard)).toEqual(upTo(world.log.length))
    // Only the reader is left, and what waited for the others is forgotten.
    await until('the others are gone', () => world.hub.size === 1)
    expect(world.hub.waitingBytes).toBeLessThan(1_000)
    const grownMb = (process.memoryUsage().rss - rssAtThird) / 1_048_576
    expect(grownMb, `${name}: memory`).toBeLessThan(96)
  }, 1_800_000)
})
