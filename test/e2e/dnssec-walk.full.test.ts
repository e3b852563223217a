// Goal: in no state of three nodes does a validator find anything bogus, and no node gives an
// unsigned answer to who asks with DO, whatever the kind of the answer.
// Method: a seeded walk: servers stop and start, are forced and drained; files change and are
// reloaded; keys roll, at their ease or in an emergency, to other algorithms and layouts, while the
// parent takes up what CDS asks for; nodes are stopped, killed and started. In each state delv and
// unbound ask each node everything, and at 25 of them four more tools look: drill and dnsviz ask
// the node, two verifiers read a dump of its zone.
// OPENGSLB_WALK_STATES and OPENGSLB_SEED choose another walk; OPENGSLB_WALK_LOG names a file that
// gets a line a state, so that a walk which is cut has shown what it came to, and beside it what
// the nodes said where a move does not end.
import { appendFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askDelv, askNode, ELSEWHERE, Validator } from '../harness/dnssec-walk-ask.ts'
import { type DumpLook, lookAtDump } from '../harness/dnssec-walk-dump.ts'
import { WalkMoves } from '../harness/dnssec-walk-moves.ts'
import { nameOf, questions } from '../harness/dnssec-walk-zone.ts'
import { has } from '../harness/tools.ts'

const STATES = Number(process.env['OPENGSLB_WALK_STATES'] ?? 500)
const SEED = Number(process.env['OPENGSLB_SEED'] ?? 7)
const LOG = process.env['OPENGSLB_WALK_LOG']
const DUMPS = 25
/** A walk that is short may have too few states in which every name answers. */
const isWhole = STATES >= 100
/** Where dumps are missing a walk goes on for so much longer at most. */
const LONGER = 1.3
/** States in a row that had no zone to dump while one was due; then a state is made that has. */
const DROUGHT = 6
/** A fault that stays would be told in every state that is left. */
const BAD_STATES = 3
/** A part of a state that takes longer hangs. */
const LATE_MS = 10 * 60_000
/**
 * A process of delv takes as long as forty questions of unbound, so the nodes share the questions:
 * in each state each is asked of one of them, in the next state of the next one. With 1 share all
 * are asked all, with more than 3 a state leaves some to the next ones.
 */
const SHARES = Number(process.env['OPENGSLB_WALK_SHARES'] ?? 3)

const TOOLS = ['delv', 'unbound', 'drill', 'ldns-verify-zone', 'dnssec-verify', 'dnsviz'] as const

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
  if (LOG !== undefined) appendFileSync(LOG, `${line}\n`)
}

describe.runIf(has(...TOOLS))('three nodes with the same keys', () => {
  const moves = new WalkMoves(SEED)
  const { site } = moves
  const validators: Validator[] = []
  beforeAll(async () => {
    await site.start()
    for (const node of site.nodes) validators.push(new Validator(node))
  }, 300_000)
  afterAll(async () => {
    for (const validator of validators) await validator.stop()
    await site.stop()
  }, 60_000)

  /** Seconds that each part took, those of three nodes side by side added up. */
  const spent: Record<string, number> = {}
  async function timed<T>(part: string, work: Promise<T>): Promise<T> {
    const from = performance.now()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${part} does not end`)), LATE_MS)
    })
    const result = await Promise.race([work, late]).finally(() => clearTimeout(timer))
    spent[part] = (spent[part] ?? 0) + (performance.now() - from) / 1_000
    return result
  }

  async function faultsOfState(state: number): Promise<string[]> {
    const faults: string[] = []
    await Promise.all(validators.map((validator) => validator.trust(site.parent.ds)))
    await Promise.all(
      site.nodes.map(async (node) => {
        const { place } = node
        const plain = await timed('node', askNode(node, questions, faults, state))
        const asked = validators[place]!.ask(questions, plain)
        faults.push(...(await timed('unbound', asked)))
        const isOwn = (_: unknown, at: number) => (at + place + state) % SHARES === 0
        const own = [questions.filter(isOwn), plain.filter(isOwn)] as const
        faults.push(...(await timed('delv', askDelv(node, site.parent.ds, ...own))))
      }),
    )
    return faults
  }

  /** What is wrong with a dump of the first node that has one; undefined where none has. */
  async function dumpOfState(first: number, withCompact: boolean): Promise<DumpLook | undefined> {
    const turned = site.nodes.map((_, turn) => site.nodes[(first + turn) % site.nodes.length]!)
    const compact = withCompact ? turned.filter((node) => node.isCompact) : []
    for (const node of [...turned.filter((one) => !one.isCompact), ...compact]) {
      const found = await lookAtDump(node, site.parent.ds)
      if (found !== undefined) return found
    }
    return undefined
  }

  test('steer by place whoever asks', async () => {
    const answers = async (subnet?: typeof ELSEWHERE) => {
      const asking = { dnssecOk: true, ...(subnet === undefined ? {} : { subnet }) }
      const reply = await site.nodes[0]!.client.ask(nameOf('geo'), 'A', asking)
      return reply?.answers.filter(({ type }) => type === 'A').map(({ data }) => data)
    }
    // The zone has the second server in the west and the third in the east.
    const [, west, east] = site.backends.map(({ address }) => [address])
    await site.settled(site.backends.map(() => true))
    expect(await answers()).toEqual(east)
    expect(await answers(ELSEWHERE)).toEqual(west)
  })

  test(`are never bogus in ${STATES} states`, { timeout: 4 * 3_600_000 }, async () => {
    const began = performance.now()
    let dumps = 0
    let compacts = 0
    let drought = 0
    let bad = 0
    let states = 0
    // What is left of the dumps may find no zone to dump for long, while names have no server.
    const isDue = (state: number) =>
      state <= STATES || (isWhole && dumps < DUMPS && state <= STATES * LONGER)
    for (let state = 1; isDue(state) && bad < BAD_STATES; state++) {
      states = state
      const isRelief = drought >= DROUGHT
      // Where it does not help, moves are drawn as before.
      if (isRelief) drought = 0
      await timed('moves', moves.step(isRelief)).catch((error: Error) => {
        tell(`state ${state}: ${error.message}`)
        for (const { place, program } of site.nodes)
          if (LOG !== undefined) writeFileSync(`${LOG}.${place}`, program.output)
        throw error
      })
      const faults = await faultsOfState(state)
      // Spread over half of the walk: where there is no zone to dump a later state may have one.
      if (dumps < Math.floor(Math.min(DUMPS, (state * DUMPS) / (0.5 * STATES)))) {
        const found = await timed('dump', dumpOfState(dumps, compacts < DUMPS))
        faults.push(...(found?.faults ?? []))
        if (found?.isVerified === true) dumps++
        else if (found !== undefined) compacts++
        drought = found?.isVerified === true ? 0 : drought + 1
      }
      const seconds = ((performance.now() - began) / 1_000).toFixed(1)
      tell(`state ${state} after ${seconds} s: ${moves.last}`)
      if (faults.length > 0) bad++
      for (const fault of faults) tell(`  ${fault}`)
      // The walk goes on, so that one run shows what else is wrong.
      expect.soft(faults, `seed ${SEED}, state ${state}: ${moves.last}`).toEqual([])
    }
    const asked = states * questions.length
    const seconds = ((performance.now() - began) / 1_000).toFixed(0)
    tell(
      `${states} states, unbound asked ${asked * 3}, delv ${(asked * 3) / SHARES}, ${dumps} dumps by both ` +
        `verifiers, ${compacts} looks at compact denial, ${seconds} s; ${moves.summary}; seconds ` +
        `${Object.entries(spent).map(([part, took]) => `${part} ${took.toFixed(0)}`)}`,
    )
    if (isWhole) expect(dumps).toBe(DUMPS)
  })
})
