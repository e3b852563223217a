/**
 * Runs one scenario: every contender started, warmed up, and measured in mirrored sweeps.
 *
 * A sweep asks each contender once, the next one in the opposite order (ABBA), so that a machine
 * that gets slower or faster favours none. Contenders are started afresh several times, since one
 * start of a compiler that learns is one sample. A round that a busy machine spoilt is repeated, a
 * few times; what is still spoilt is dropped and counted.
 */
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Counted, type Load, runLoad } from './generator.ts'
import type { Patience } from './quiet.ts'
import { type Doubt, doubtOf, type Round, roundOf, wasQuiet } from './round.ts'
import { dnsperf } from './second-opinion.ts'
import { CLIENTS } from './enclosed.ts'
import { type Contender, ECHO, OURS, type Scenario } from './scenario.ts'
import { freePort, newFolder, type Running, type Subject } from './subject.ts'

export interface Sizes {
  readonly sweeps: number
  readonly generations: number
  readonly seconds: number
  readonly warmupSeconds: number
  /**
   * Rest between warming up and the first sweep: what a server does but once after its start (an
   * engine gives memory back for some 20 s) is no part of what a query costs.
   */
  readonly settleSeconds: number
  readonly latencySweeps: number
  readonly latencySeconds: number
  readonly opinionSeconds: number
  /** How long to wait in all for a quiet machine. */
  readonly patienceSeconds: number
  /** Repeats of one spoilt round. */
  readonly retries: number
  /** No further sweep of a scenario begins after so long, waiting not counted. */
  readonly limitSeconds: number
}

export interface Machine {
  readonly serverCpus: readonly number[]
  readonly generatorCpus: readonly number[]
  readonly generator: string
  readonly sizes: Sizes
  readonly patience: Patience
  readonly say: (text: string) => void
}

export interface Entrant {
  readonly contender: Contender
  readonly subject: Subject
}

/** Everything one contender showed. */
export class Showing {
  readonly entrant: Entrant
  /** By sweep; undefined where the round was spoilt. */
  readonly rounds: (Round | undefined)[] = []
  readonly latencies: { readonly counted: Counted; readonly quiet: boolean }[] = []
  readonly doubts: Record<Doubt, number> = { steal: 0, noisy: 0, 'generator-bound': 0 }
  wrong = 0
  /** The most, and what there was after each start when it had settled. */
  residentBytes = 0
  readonly restingBytes: number[] = []
  meanBytes = 0
  changes = 0
  opinion: string | undefined

  constructor(entrant: Entrant) {
    this.entrant = entrant
  }

  get label(): string {
    return this.entrant.contender.label
  }
}

interface Standing {
  readonly showing: Showing
  readonly running: Running
  readonly port: number
  readonly folder: string
}

const WARM_UPS = 8

/**
 * Half load, over UDP. Over TCP saturation comes of whole windows in one segment; questions that
 * come one by one are another load, so there all are asked at a rate that none of them minds.
 */
const TCP_RATE = 20_000

const isOurs = ({ subject }: Entrant): boolean => subject.name === OURS
const isEcho = ({ subject }: Entrant): boolean => subject.name === ECHO
const isAsked = ({ entrant }: Showing): boolean => entrant.contender.atRest !== true

class Course {
  readonly #scenario: Scenario
  readonly #machine: Machine
  readonly #showings: readonly Showing[]
  #standing: Standing[] = []
  #appendedBytes = 16

  constructor(scenario: Scenario, showings: readonly Showing[], machine: Machine) {
    this.#scenario = scenario
    this.#showings = showings
    this.#machine = machine
  }

  /** The echo comes last: it copies the size of the answers of the others. */
  async start(): Promise<void> {
    const byEcho = (one: Showing) => (isEcho(one.entrant) ? 1 : 0)
    const ordered = [...this.#showings].sort((one, other) => byEcho(one) - byEcho(other))
    for (const showing of ordered) {
      const { contender, subject } = showing.entrant
      const folder = newFolder(contender.subject.replace(/\W+/g, '-'))
      const port = await freePort()
      const running = await subject.start({
        setup: contender.setup,
        transport: this.#scenario.transport,
        port,
        folder,
        cpus: this.#machine.serverCpus.slice(0, contender.setup.threads),
        appendedBytes: this.#appendedBytes,
      })
      const standing = { showing, running, port, folder }
      this.#standing.push(standing)
      const warm = await this.#warmUp(standing)
      if (isOurs(showing.entrant))
        this.#appendedBytes = Math.max(0, Math.round(warm.meanBytes - warm.meanQueryBytes))
    }
  }

  /** A crowded machine may leave a short warm-up without an answer: it is given more. */
  async #warmUp(standing: Standing): Promise<Counted> {
    const { showing } = standing
    for (let attempt = 1; ; attempt++) {
      const seconds = this.#machine.sizes.warmupSeconds * attempt
      const warm = await this.#load(standing, seconds, { warmupSeconds: 0 })
      showing.wrong += warm.wrong
      showing.meanBytes = warm.meanBytes
      if (warm.answered > 0) return warm
      if (attempt === WARM_UPS || warm.wrong > 0)
        throw new Error(`${showing.label} answers nothing right: ${JSON.stringify(warm)}`)
    }
  }

  #load({ showing, running, port }: Standing, seconds: number, more: Partial<Load> = {}) {
    const { contender } = showing.entrant
    const cpus = this.#machine.generatorCpus.slice(0, contender.setup.threads)
    return runLoad(this.#machine.generator, cpus, {
      port,
      transport: this.#scenario.transport,
      kinds: contender.kinds,
      seconds,
      warmupSeconds: 0.1,
      echo: isEcho(showing.entrant),
      watched: running.server.threads(),
      ...(this.#scenario.limited === true ? { clients: CLIENTS } : {}),
      ...more,
    })
  }

  async #disturbed(standing: Standing, seconds: number, more: Partial<Load> = {}) {
    const { running, showing } = standing
    const forMs = (seconds + 0.1) * 1000
    const [counted, changes] = await Promise.all([
      this.#load(standing, seconds, more),
      running.disturb?.(forMs) ?? 0,
    ])
    showing.changes += changes
    showing.wrong += counted.wrong
    return counted
  }

  #cpusOf(threads: number): number[] {
    const { serverCpus, generatorCpus } = this.#machine
    return [...serverCpus.slice(0, threads), ...generatorCpus.slice(0, threads)]
  }

  async #round(standing: Standing): Promise<Round | undefined> {
    const { sizes } = this.#machine
    const { showing } = standing
    const { threads } = showing.entrant.contender.setup
    const cpus = this.#cpusOf(threads)
    let kept: Round | undefined
    for (let attempt = 0; attempt <= sizes.retries; attempt++) {
      await this.#machine.patience.untilQuiet(cpus)
      const round = roundOf(await this.#disturbed(standing, sizes.seconds), threads)
      showing.residentBytes = Math.max(
        showing.residentBytes,
        standing.running.server.residentBytes(),
      )
      const doubt = doubtOf(round, cpus)
      if (doubt === undefined) return { ...round, valid: true }
      showing.doubts[doubt]++
      // Its rate says nothing; what a query cost may still do, except where time was stolen.
      if (doubt !== 'steal') kept = round
    }
    return kept
  }

  /** Lets all settle; where memory is judged, as long again, and the least of that time counts. */
  async rest(): Promise<void> {
    const { settleSeconds } = this.#machine.sizes
    await sleep(settleSeconds * 1_000)
    const least = this.#standing.map(({ running }) => running.server.residentBytes())
    const more = this.#scenario.memory === undefined ? 0 : settleSeconds
    for (let second = 0; second < more; second++) {
      await sleep(1_000)
      for (const [at, { running }] of this.#standing.entries())
        least[at] = Math.min(least[at]!, running.server.residentBytes())
    }
    for (const [at, { showing }] of this.#standing.entries()) {
      showing.restingBytes.push(least[at]!)
      showing.residentBytes = Math.max(showing.residentBytes, least[at]!)
    }
  }

  async sweep(backwards: boolean): Promise<void> {
    const order = this.#showings
      .filter(isAsked)
      .map((showing) => this.#standing.find((one) => one.showing === showing)!)
    for (const standing of backwards ? order.reverse() : order)
      standing.showing.rounds.push(await this.#round(standing))
  }

  /**
   * All at the same rate, so that their latencies compare; a spoilt one is repeated. Rounds are
   * short and many: where the host takes the processor for 10 ms once a second, a round of a second
   * shows in its 99th percentile nothing but that, and of short ones most have none of it.
   */
  async latencySweep(rate: number, backwards: boolean): Promise<void> {
    const { patience, sizes } = this.#machine
    const asked = this.#standing.filter(({ showing }) => isAsked(showing))
    for (const standing of backwards ? asked.reverse() : asked) {
      const { threads } = standing.showing.entrant.contender.setup
      for (let attempt = 0; attempt <= sizes.retries; attempt++) {
        await patience.untilQuiet(this.#cpusOf(threads))
        const counted = await this.#disturbed(standing, sizes.latencySeconds, { rate })
        const quiet = wasQuiet(roundOf(counted, threads), this.#cpusOf(threads))
        standing.showing.latencies.push({ counted, quiet })
        if (quiet) break
      }
    }
  }

  /** dnsperf asks all but the echo, whose answers it would not take. */
  async askAnother(name: string, seconds: number): Promise<void> {
    const cpu = this.#machine.generatorCpus[0]!
    for (const { showing, port } of this.#standing)
      if (!isEcho(showing.entrant)) showing.opinion = await dnsperf(port, name, cpu, seconds)
  }

  async stop(): Promise<void> {
    for (const { running, folder } of this.#standing) {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    this.#standing = []
  }
}

/** Half the rate that the named contender reached. */
export type HalfRate = (showings: readonly Showing[]) => number

export async function measure(
  scenario: Scenario,
  entrants: readonly Entrant[],
  machine: Machine,
  halfRate: HalfRate,
): Promise<Showing[]> {
  const showings = entrants.map((entrant) => new Showing(entrant))
  const { sizes, say } = machine
  const finish = async (course: Course): Promise<void> => {
    const rate = scenario.transport === 'tcp' ? TCP_RATE : halfRate(showings)
    for (let sweep = 0; sweep < sizes.latencySweeps; sweep++)
      await course.latencySweep(rate, sweep % 2 === 1)
    const { secondOpinion } = scenario
    if (secondOpinion !== undefined && sizes.opinionSeconds > 0)
      await course.askAnother(secondOpinion, sizes.opinionSeconds)
  }
  const spentSeconds = () => performance.now() / 1000 - machine.patience.spentSeconds
  const started = spentSeconds()
  const perGeneration = Math.ceil(sizes.sweeps / sizes.generations)
  let done = 0
  for (let generation = 0; generation < sizes.generations; generation++) {
    // What only rests says the same every time.
    const present = generation === 0 ? showings : showings.filter(isAsked)
    const course = new Course(scenario, present, machine)
    try {
      await course.start()
      await course.rest()
      for (let sweep = 0; sweep < perGeneration && done < sizes.sweeps; sweep++, done++) {
        if (spentSeconds() - started > sizes.limitSeconds) break
        await course.sweep(done % 2 === 1)
        say(`${scenario.name}: sweep ${done + 1} of ${sizes.sweeps}`)
      }
      if (generation === sizes.generations - 1) await finish(course)
    } finally {
      await course.stop()
    }
  }
  return showings
}
