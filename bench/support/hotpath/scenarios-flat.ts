/**
 * What should cost nothing: more names, servers and zones, metrics, and all that is on at once.
 */
import {
  against,
  beside,
  type Contender,
  type MemoryGoal,
  type Named,
  OURS,
  type Scenario,
} from './scenario.ts'
import { askNames, askStatic, askSteered, askZones, plain, type Setup } from './setup.ts'

const NAME_BYTES_MAX = 1_500
/** All threads read the same: a second one adds no more of a name than noise. */
const NAME_BYTES_MORE_MAX = 150

/** Both sides of a ratio are alike, and what is large is not signed. */
const unsigned: Setup = { ...plain, signed: false }

/**
 * From one name to a million, for us and for NSD: our fall may be 5 % more than its. A name takes
 * 1.5 KB, with two threads too, and about as much as with one.
 */
export function million(names: number): Scenario {
  const of = (subject: string, few: boolean, threads = 1): Contender => {
    const size = few ? '1 name' : `${names} names`
    return {
      label: `${subject}, ${size}${threads > 1 ? `, ${threads} threads` : ''}`,
      subject,
      setup: { ...unsigned, names: few ? 0 : names, threads },
      kinds: few ? [askStatic()] : [askNames(names)],
      ...(threads > 1 ? { atRest: true } : {}),
    }
  }
  const [oursFew, oursMany] = [of(OURS, true), of(OURS, false)]
  const [nsdFew, nsdMany] = [of('NSD', true), of('NSD', false)]
  const [twoFew, twoMany] = [of(OURS, true, 2), of(OURS, false, 2)]
  const memory = (says: string, few: Contender, many: Contender): MemoryGoal => ({
    ...{ says, few: [few.label], many: [many.label], names, bytesAtMost: NAME_BYTES_MAX },
  })
  const second: MemoryGoal = {
    says: 'what a second thread adds',
    few: [twoFew.label, oursMany.label],
    many: [twoMany.label, oursFew.label],
    names,
    bytesAtMost: NAME_BYTES_MORE_MAX,
  }
  return {
    name: 'million-names',
    title: `From one name to ${names}`,
    transport: 'udp',
    contenders: [oursFew, oursMany, nsdFew, nsdMany, twoFew, twoMany],
    goals: [
      {
        says: 'our fall to the fall of NSD',
        over: [oursMany.label, nsdFew.label],
        under: [oursFew.label, nsdMany.label],
        atLeast: 0.95,
      },
    ],
    memory: [
      memory('one thread', oursFew, oursMany),
      memory('two threads', twoFew, twoMany),
      second,
    ],
    abovePeers: false,
    onRequest: true,
    smoke: 'none',
  }
}

/**
 * Every reply is counted by response rate limiting, though none is held; every question has a
 * client cookie, and every answer a server cookie made for it; metrics are scraped. A client that
 * sent a good server cookie would not be limited, so none does.
 */
export const everythingOn = (): Scenario =>
  beside({
    name: 'everything-on',
    title: 'One name, A, everything on: cookies, response rate limiting, metrics scraped',
    setup: { ...plain, metrics: 'scraped', responsesPerSecond: 1_000_000 },
    kinds: [askStatic('eck')],
    atLeast: 0.97,
    peers: false,
    smoke: 'alone',
    limited: true,
  })

/** Threads count what they answer in either case; `answer` tells what that costs. */
export function counting(): Scenario {
  const of = (metrics: Setup['metrics']): Setup => ({ ...plain, servers: 3, metrics })
  const sides = [
    [`${OURS}, no metrics`, of('off')],
    [`${OURS}, metrics`, of('scraped')],
  ] as const
  const title = 'Metrics off, and on and scraped each second'
  return against('metrics', title, [askSteered(3)], sides, 1 / 1.02, 'CPU a query')
}

/** Signing as many answers as there are servers takes minutes at each start: none is signed. */
export function allServers(each: number): Scenario {
  const of = (servers: number): Named => [
    `${OURS}, 2 names of ${servers} servers`,
    { ...unsigned, servers, pools: 2 },
  ]
  const kinds = [0, 1].map((pool) => askSteered(each, '', 1, pool))
  const title = `${2 * each} servers, the half of them in rotation for each of two names`
  const scenario = against('all-servers', title, kinds, [of(3), of(each)], 0.97)
  // Starting takes a minute.
  return { ...scenario, onRequest: true }
}

/** As many names in one zone as in zones of their own. */
export function manyZones(count: number): Scenario {
  const [one, many] = [`${OURS}, 1 zone`, `${OURS}, ${count} zones`]
  const of = (label: string, setup: Setup, kind: string): Contender => {
    return { label, subject: OURS, setup, kinds: [kind] }
  }
  return {
    name: 'zones',
    title: `${count} names in one zone, and in a zone each`,
    transport: 'udp',
    contenders: [
      of(one, { ...unsigned, names: count }, askNames(count)),
      of(many, { ...unsigned, zones: count }, askZones(count)),
    ],
    goals: [{ says: `${many} to ${one}`, over: [many], under: [one], atLeast: 0.97 }],
    abovePeers: false,
    smoke: 'none',
  }
}
