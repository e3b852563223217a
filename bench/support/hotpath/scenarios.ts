/**
 * What is measured: the scenarios, in the order in which they are run and shown.
 */
import {
  against,
  beside,
  type Contender,
  OURS,
  type Plain,
  type Scenario,
  THREAD,
  type Versus,
} from './scenario.ts'
import { allServers, counting, everythingOn, million, manyZones } from './scenarios-flat.ts'
import {
  askMissing,
  askNames,
  askNoData,
  askStatic,
  askSteered,
  askText,
  plain,
  type Setup,
  ZONE,
} from './setup.ts'

/** ECS scopes answers, so it is asked with EDNS. */
const ECS = 'es'
/** DO is a flag of EDNS. */
const SIGNED = 'ed'
/** The same, of a name that does not exist: what is not proven is a wrong answer. */
const PROVEN = `${SIGNED}p`

const mixed = (names: number): string[] => [
  askNames(names, '', 40),
  askNames(names, 'em', 15),
  askStatic('es', 10),
  askStatic('ec', 5),
  askText('ed', 5),
  askNoData('e', 10),
  askMissing('ed', 15),
]

/** Answers and proofs with their signatures. */
function withDo(names: number): Plain[] {
  return [
    {
      name: 'signed',
      title: 'One steered name with DO: an answer and its signature',
      setup: steeredOver(3),
      kinds: [askSteered(3, SIGNED)],
      atLeast: 0.95,
      // The others sign a zone that they are given, and none of them a steered answer.
      peers: false,
      smoke: 'alone',
    },
    {
      name: 'signed-nxdomain',
      title: `Random names that do not exist with DO, in a zone of ${names}: the proofs`,
      setup: { ...plain, names },
      kinds: [askMissing(PROVEN)],
      atLeast: 0.95,
      peers: false,
    },
  ]
}

/**
 * A flood of random names with DO beside the same flood without, in two signed zones that are the
 * same: proofs are ready-made, so that a denial with them costs 1.3 times one without at most,
 * though its reply is several times larger.
 */
function flood(names: number): Scenario {
  const setup: Setup = { ...plain, names }
  const [bare, proven] = [`${OURS}, without DO`, `${OURS}, with DO`]
  const of = (label: string, flags: string): Contender => {
    return { label, subject: OURS, setup, kinds: [askMissing(flags)] }
  }
  const goal = { over: [proven], under: [bare], atLeast: 1 / 1.3, by: 'CPU a query' } as const
  return {
    name: 'do-flood',
    title: `Random names that do not exist, in a signed zone of ${names}, with and without DO`,
    transport: 'udp',
    contenders: [of(bare, 'e'), of(proven, PROVEN)],
    goals: [{ says: `${proven} to ${bare}`, ...goal }],
    abovePeers: false,
    smoke: 'alone',
  }
}

/** The scenarios in which all are asked the same. */
function shared(names: number): Plain[] {
  const zone: Setup = { ...plain, names }
  const one = [askStatic()]
  return [
    {
      name: 'one-name',
      title: 'One name, A',
      setup: plain,
      kinds: one,
      atLeast: 0.97,
      smoke: 'whole',
      secondOpinion: `www.${ZONE}`,
    },
    {
      name: 'steered',
      title: 'One steered name, 3 servers in rotation',
      setup: steeredOver(3),
      kinds: [askSteered(3)],
      atLeast: 0.97,
    },
    { name: 'names', title: `${names} names, A`, setup: zone, kinds: [askNames(names)] },
    {
      name: 'nxdomain',
      title: `Random names that do not exist, in a zone of ${names}`,
      setup: zone,
      kinds: [askMissing()],
      atLeast: 0.95,
    },
    {
      name: 'ecs',
      title: 'One name, A with EDNS and client subnet',
      setup: plain,
      kinds: [askStatic(ECS)],
    },
    {
      name: 'weighted',
      title: 'Weighted over 100 servers, EDNS and client subnet',
      setup: hundred,
      kinds: [askSteered(100, ECS)],
      atLeast: 0.93,
      smoke: 'alone',
    },
    ...withDo(names),
    {
      name: 'mixed',
      title: 'Mixed: A, AAAA, TXT, no such name; EDNS, DO, cookies, mixed case',
      setup: zone,
      kinds: mixed(names),
      smoke: 'alone',
    },
    {
      name: 'tcp',
      title: 'One name over TCP, 16 connections',
      setup: plain,
      kinds: one,
      transport: 'tcp',
      smoke: 'alone',
    },
  ]
}

/** From many networks, by Zipf's law. */
const PLACED = 'esz'

/**
 * Each policy that reads the client beside the one that does not: the thread that answers may spend
 * a twentieth more on a question.
 */
function steering(small: boolean): Scenario {
  const all = ['round-robin', 'geolocation', 'latency', 'learned_latency'] as const
  // Starts take most of the time at smoke size, and the last one reads all that is set up.
  const policies = small ? (['round-robin', 'learned_latency'] as const) : all
  const learnedNetworks = small ? 500 : 20_000
  const contenders = policies.map((algorithm) => ({
    label: algorithm,
    subject: OURS,
    setup: { ...plain, servers: 3, algorithm, learnedNetworks },
    kinds: [askSteered(3, PLACED)],
  }))
  const [base, ...others] = policies
  return {
    name: 'steering',
    title: 'Policies that read the client, client subnets of 65,536 networks',
    transport: 'udp',
    contenders,
    goals: others.map((policy) => ({
      says: `${policy} to ${base}`,
      ...{ over: [policy], under: [base], atLeast: 1 / 1.05, by: THREAD },
    })),
    abovePeers: false,
    smoke: 'alone',
  }
}

const steeredOver = (servers: number): Setup => ({ ...plain, servers })
const hundred: Setup = { ...plain, servers: 100, algorithm: 'weighted' }

/** `small` shrinks the zones, so that all of it runs in seconds. */
export function scenariosOf(small: boolean): Scenario[] {
  const many = small ? 300 : 10_000
  const rotated: Versus = [
    [`${OURS}, 3 servers`, steeredOver(3)],
    [`${OURS}, ${many} servers`, steeredOver(many)],
  ]
  const changed = (deltasPerSecond: number): Versus => [
    [OURS, hundred],
    [`${OURS}, ${deltasPerSecond} changes a second`, { ...hundred, deltasPerSecond }],
  ]
  const underChanges = (deltasPerSecond: number) =>
    `Weighted over 100 servers while ${deltasPerSecond} changes of state arrive a second`
  const asked = [askSteered(100, ECS)]
  return [
    ...shared(many).map(beside),
    everythingOn(),
    counting(),
    against('servers', `${many} servers in rotation`, [askSteered(many)], rotated, 0.97),
    allServers(small ? 300 : 50_000),
    manyZones(many),
    flood(many),
    steering(small),
    // The API that takes the changes is another thread; here it has the same core.
    against('deltas', underChanges(100), asked, changed(100), 0.95, THREAD),
    against('storm', underChanges(1_000), asked, changed(1_000), 0.95, THREAD),
    beside({
      name: 'two-threads',
      title: 'One name, A, two threads on two cores',
      setup: { ...plain, threads: 2 },
      kinds: [askStatic()],
    }),
    million(small ? 2_000 : 999_990),
  ]
}
