/**
 * Why an answer is what it is.
 *
 * Runs the very `decide` of the hot path and then reads the reasons off the words; it decides
 * nothing by itself.
 */
import { steerLimits } from '../base/limits/steer.ts'
import type { Family } from '../net/address.ts'
import { formatAddress } from '../net/address.ts'
import { ALL_DOWN, answeredOn, decide, NODATA, type Question } from './decide.ts'
import { type Geography, geographyOf } from './geography.ts'
import { type LearnedSteps, learnedStepsOf } from './route-steps.ts'
import { type LeafFace, leafFaceOf, type PolicyStep, policyStepsOf } from './policy-steps.ts'
import { decisionScope } from './scope.ts'
import type { Pool } from './pool.ts'
import type { ServingMember, ServingPool } from './snapshot.ts'
import type { WhenAllDown } from './topology.ts'
import { type Basis, isServing, standsIn } from './view.ts'
import { unpackWord, type WordFields } from './words.ts'

export interface Candidate {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly region: string
  readonly weight: number
  readonly family: Family
  readonly chosen: boolean
  /** 1 is the first record of the answer; absent when not chosen. */
  readonly rank?: number
  /** One sentence for an operator. */
  readonly reason: string
  readonly word: WordFields
}

export interface Explanation {
  readonly outcome: 'answer' | 'nodata' | 'all-down'
  /** Addresses in the order of the answer. */
  readonly chosen: readonly string[]
  readonly policy: string
  readonly turn: number
  readonly candidates: readonly Candidate[]
  /** Set when nobody may be served and `when_all_down` decided. */
  readonly fallback?: WhenAllDown
  /** What learned latency had to say of the client. */
  readonly learned?: LearnedSteps
  /** Where the client is taken to be, of policies that read it. */
  readonly geography?: Geography
  /** Of a policy made of others, its steps down to the leaf that answers. */
  readonly policySteps?: readonly PolicyStep[]
}

export function explain(pool: Pool, question: Question): Explanation {
  const out = new Int32Array(steerLimits.answersMax.max)
  const count = decide(pool.pools, pool.index, question, out)
  const leaf = leafFaceOf(pool, question)
  const policySteps = policyStepsOf(pool, question)
  const others = otherParts(pool, leaf)
  const geography = others(geographyOf(leaf ?? pool, question))
  const chosen = [...out.subarray(0, Math.max(0, count))]
  const regions = new Set(chosen.map((index) => pool.spec.members[index]?.region ?? ''))
  const learned = others(learnedStepsOf(leaf ?? pool, question, regions))
  const steps = learned?.method === 'learned' ? learned.steps : (geography?.steps ?? [])
  const behind = steps.filter(({ outcome }) => outcome !== 'answers')
  const asked: Asked = {
    ...question,
    passed: new Set(behind.map(({ region }) => region)),
    ...removedBy(policySteps),
    ...toldOf(pool, question, leaf),
  }
  // Servers on several ports of an address are one candidate, told by the first that serves.
  const firsts = chosen.map((index) => pool.firstOf(index))
  const candidates = pool.spec.members.map((member, index) => {
    const rank = firsts.indexOf(pool.firstOf(index))
    const told = rank < 0 ? undefined : pool.spec.members[chosen[rank]!]
    return candidate(pool, asked, { member, index, rank, told })
  })
  return {
    outcome: count === ALL_DOWN ? 'all-down' : count === NODATA ? 'nodata' : 'answer',
    chosen: chosen.map((index) => formatAddress(pool.addresses[index]!)),
    policy: pool.spec.policy,
    turn: question.turn,
    candidates,
    ...(pool.allDown() || (asked.isFenced && asked.standing !== 'serving')
      ? { fallback: pool.spec.whenAllDown }
      : {}),
    ...(learned === undefined
      ? {}
      : { learned: leaf === undefined ? learned : { ...learned, rows: leaf.spec.name } }),
    ...(policySteps === undefined ? {} : { policySteps }),
    ...(geography === undefined ? {} : { geography: wholeScope(pool, question, geography) }),
  }
}

/** Tells regions without servers from those whose servers lie in other parts of the policy. */
function otherParts(pool: Pool, leaf: LeafFace | undefined) {
  const regions = new Set(leaf === undefined ? [] : pool.spec.members.map(({ region }) => region))
  return <T extends Geography | LearnedSteps>(told: T | undefined): T | undefined =>
    told && {
      ...told,
      steps: told.steps.map((step) =>
        step.outcome === 'no-servers' && regions.has(step.region)
          ? { ...step, outcome: 'other-part' }
          : step,
      ),
    }
}

interface Place {
  readonly member: ServingMember
  readonly index: number
  /** From 0, of its address; below 0 when that is not in the answer. */
  readonly rank: number
  /** The server that its address was chosen for; undefined for a fallback address. */
  readonly told: ServingMember | undefined
}

/** The question, with the regions that do not answer this client. */
interface Asked extends Question {
  readonly passed: ReadonlySet<string>
  /** What chose among the servers that were left, and on what basis. */
  readonly algorithm: string
  readonly standing: Basis
  /** Whether clients never leave their region, so that each region falls back by itself. */
  readonly isFenced: boolean
  /** Whether clients keep to a server. */
  readonly sticks: boolean
  /** By key of a server, the step of the policy that removed it. */
  readonly removed: ReadonlyMap<string, PolicyStep>
}

const toldOf = (pool: Pool, question: Question, leaf: LeafFace | undefined) => ({
  algorithm: (leaf ?? pool).spec.policy,
  sticks: sticksUnder(pool.spec, (leaf ?? pool).spec.policy),
  standing: answeredOn(pool.pools, pool.index, question),
  isFenced: pool.pools.isFenced(pool.index),
})

const removedBy = (steps: readonly PolicyStep[] = []) => ({
  removed: new Map(steps.flatMap((step) => step.removed.map((key) => [key, step] as const))),
})

/** What a leaf rests on is not all that the way to it rests on. */
const wholeScope = (pool: Pool, question: Question, geography: Geography): Geography =>
  pool.spec.tree === undefined
    ? geography
    : { ...geography, scope: decisionScope(pool.pools, pool.index, question) }

function candidate(pool: Pool, question: Asked, place: Place): Candidate {
  const { member, index, rank, told } = place
  const word = unpackWord(pool.words[index]!)
  const { key, address, port, region, weight } = member
  const family = pool.familyOf(index)
  const common = { key, address, port, region, weight, family, word }
  if (rank < 0) return { ...common, chosen: false, reason: whyNot(question, member, family, word) }
  if (told !== member) {
    const stands = told !== undefined && takesPart(pool, question, index)
    const isWell = stands && question.standing === 'serving'
    const own = isWell ? 'healthy' : whyNot(question, member, family, word)
    const reason = `${own}; its address is answered once, for ${told?.key ?? 'a fallback address'}`
    return stands
      ? { ...common, chosen: true, rank: rank + 1, reason }
      : { ...common, chosen: false, reason }
  }
  return { ...common, chosen: true, rank: rank + 1, reason: whyChosen(pool, question, rank, word) }
}

/** Whether a server of a chosen address is one of those it was chosen for. */
function takesPart(pool: Pool, question: Asked, index: number): boolean {
  const word = pool.words[index]!
  const { weight } = pool.spec.members[index]!
  if (question.standing === 'serving') return isServing(word) && weight > 0
  return standsIn(pool.spec.whenAllDown, word, weight)
}

const LOST_TURN: Partial<Record<string, string>> = {
  'round-robin': 'healthy, but it is the turn of another server',
  weighted: 'healthy, but this turn falls to the weight of another server',
  latency: 'healthy, but this turn falls to a faster server, or to one as fast',
  failover: 'healthy, but a server before it in the order is healthy too',
}

function whyNot(question: Asked, member: ServingMember, family: Family, word: WordFields): string {
  if (family !== question.family) return `its address is IPv${family}, the question is not`
  if (member.weight <= 0) return 'weight 0 takes no traffic'
  if (!word.serving) return stateSentence(word)
  const step = question.removed.get(member.key)
  if (step !== undefined) return `healthy, but ${step.path} goes on without it: ${step.reason}`
  if (question.passed.has(member.region))
    return `healthy, but the region ${member.region} is not the one that answers this client`
  // What serves is of no region that this client may go to.
  if (question.isFenced && question.standing !== 'serving')
    return "healthy, but not of this client's region (geofence: strict)"
  if (question.sticks) return keptElsewhere(word)
  return LOST_TURN[question.algorithm] ?? LOST_TURN['round-robin']!
}

/** Failover has an order of its own, which comes before that of any client. */
const sticksUnder = ({ sticky }: ServingPool, algorithm: string): boolean =>
  sticky !== undefined && algorithm !== 'failover'

const keptElsewhere = ({ spill = 0 }: WordFields): string => {
  const full = spill === 0 ? '' : `; being full it passes on ${spill} of 16 of its clients`
  return `healthy, but this client's network keeps to another server${full}`
}

function whyChosen(pool: Pool, question: Asked, rank: number, word: WordFields): string {
  const nobody = question.isFenced ? 'no server of the region is healthy' : 'no server is healthy'
  switch (question.standing) {
    case 'last-healthy':
      return `${nobody}; it was among the last that were (when_all_down: last_healthy)`
    case 'all':
      return `${nobody}; all are answered (when_all_down: all)`
    default:
  }
  const kept = word.guarded ? ', kept in service by the guard-rail' : ''
  if (rank > 0) return `healthy, number ${rank + 1} of ${pool.spec.answers} answers${kept}`
  if (question.sticks) return `healthy, and this client's network keeps to it${kept}`
  return `${chosenSentence(question.algorithm)}${kept}`
}

function chosenSentence(policy: string): string {
  switch (policy) {
    case 'weighted':
      return 'healthy, and this turn falls to its weight'
    case 'failover':
      return 'the first healthy server in the order'
    case 'round-robin':
      return 'healthy, and it is its turn'
    case 'geolocation':
      return 'healthy, of the region that answers this client, and it is its turn'
    case 'learned_latency':
      return 'healthy, of the region that answers this client, and it is its turn'
    case 'latency':
      return 'healthy, and this turn falls to it by the times of its checks'
    default:
      return `healthy, and it is its turn: nothing is known of the client that ${policy} could use`
  }
}

const BECAUSE: Record<WordFields['cause'], string> = {
  none: '',
  override: ' by an override',
  drain: ' because it is drained',
  validation: ' by its health check',
  agent: ' by the claim of its agent',
  age: ' because nothing was heard for too long',
  predictive: ' because of the load its agent sees',
  restored: ' when last known before the restart',
}

function stateSentence(word: WordFields): string {
  if (word.heldDown) return 'healthy again, waiting out the hold-down before traffic returns'
  if (word.status === 'unknown') return 'not served before its first verdict'
  return `${word.status}${BECAUSE[word.cause]}`
}
