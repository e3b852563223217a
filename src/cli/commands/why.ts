/**
 * `explain`, `at`, `plan` and `rehearse`: why a client gets an answer, what it got at a past
 * moment, and what another configuration or the loss of servers would change.
 */
import { type Command, Option } from 'commander'
import { formatProblem, loadConfig } from '../../core/config/load.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import { nodeFiles } from '../config-files.ts'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'
import { table } from '../table.ts'
import { type RegionSteps, regionLines } from './why-steps.ts'

interface Explanation extends RegionSteps {
  readonly name: string
  readonly type: string
  readonly client: string
  readonly at: string
  readonly source: 'recorded' | 'asked' | 'past'
  readonly epoch: number
  readonly version: number
  readonly turn: number
  readonly outcome: string
  readonly policy?: string
  readonly ttl?: number
  readonly when_all_down?: string
  readonly answers: readonly string[]
  readonly policy_steps?: readonly {
    readonly path: string
    readonly reason: string
    readonly removed: readonly string[]
    readonly left: number
  }[]
  readonly candidates: readonly {
    readonly address: string
    readonly port: number
    readonly region: string
    readonly weight: number
    readonly chosen: boolean
    readonly status: string
    readonly reason: string
  }[]
  readonly wire?: { readonly text: readonly string[] }
  readonly verified?: boolean
  /** What may have decided and is not held any more. */
  readonly unknown?: string
}

interface ExplainOptions {
  readonly type: string
  readonly turn?: string
}

const SOURCES = {
  recorded: 'an answer that was sent',
  asked: 'what would be answered now',
  past: 'what would have been answered',
} as const

export function addWhy(program: Command, io: Io): void {
  const type = () => new Option('--type <type>', 'type asked for').default('A')
  program
    .command('explain')
    .description('why a client gets the answer it gets')
    .argument('<name>', 'the domain name asked for')
    .argument('[client]', 'address of the client')
    .addOption(type())
    .option('--turn <number>', 'the turn to explain; by default that of the newest such answer')
    .action((name: string, client: string | undefined, options: ExplainOptions, command: Command) =>
      explain(shellOf(command, io), { name, client, ...options }),
    )
  program
    .command('at')
    .description('what a client would have been answered at a past moment')
    .argument('<time>', 'as 2026-01-31T12:00:00Z, or Unix milliseconds')
    .argument('<name>', 'the domain name asked for')
    .argument('[client]', 'address of the client')
    .addOption(type())
    .option('--turn <number>', 'the turn to explain')
    .action(
      (
        at: string,
        name: string,
        client: string | undefined,
        options: ExplainOptions,
        command: Command,
      ) => explain(shellOf(command, io), { at, name, client, ...options }),
    )
  addWhatIf(program, io)
}

interface Asked extends ExplainOptions {
  readonly name: string
  readonly client: string | undefined
  readonly at?: string
}

async function explain(shell: Shell, asked: Asked): Promise<void> {
  const query = new URLSearchParams({ name: asked.name, type: asked.type })
  for (const key of ['client', 'turn', 'at'] as const) {
    const value = asked[key]
    if (value !== undefined) query.set(key, value)
  }
  const found = await shell.get<Explanation>('GET', `/api/v1/explain?${query}`)
  shell.print(found, renderExplanation)
}

function renderExplanation(found: Explanation): string {
  const { name, type, client, policy, ttl, candidates, when_all_down: allDown } = found
  const answers = found.answers.length === 0 ? '(no address)' : found.answers.join(', ')
  const bytes = found.verified === undefined ? '' : found.verified ? ', verified' : ', NOT verified'
  const rows = candidates.map((one) => [
    one.chosen ? '*' : '',
    formatEndpoint(one.address, one.port),
    one.region,
    String(one.weight),
    one.status,
    one.reason,
  ])
  return [
    `${name} ${type} for ${client} at ${found.at}: ${answers}`,
    `${SOURCES[found.source]}${bytes}; outcome ${found.outcome}`,
    `epoch ${found.epoch}, version ${found.version}, turn ${found.turn}`,
    ...(policy === undefined ? [] : [`algorithm ${policy}, ttl ${ttl}`]),
    ...(found.policy_steps ?? []).map(stepLine),
    ...regionLines(found),
    ...(found.unknown === undefined ? [] : [`not known: ${found.unknown}`]),
    ...(allDown === undefined ? [] : [`no server is healthy: when_all_down is ${allDown}`]),
    ...(rows.length === 0
      ? []
      : ['', table(['', 'ADDRESS', 'REGION', 'WEIGHT', 'STATUS', 'WHY'], rows)]),
    ...(found.wire === undefined ? [] : ['', ...found.wire.text]),
  ].join('\n')
}

const stepLine = ({ path, reason, removed, left }: NonNullable<Explanation['policy_steps']>[0]) => {
  const out = removed.length === 0 ? '' : `; removed ${removed.join(', ')}`
  return `  ${path}: ${reason}${out}; ${left} left`
}

interface Plan {
  readonly samples: number
  readonly queries: number
  readonly moved_share: number
  readonly services: readonly {
    readonly service: string
    readonly queries: number
    readonly moved_share: number
    readonly clients: number
    readonly clients_moved: number
  }[]
  readonly flows: readonly {
    readonly service: string
    readonly from: string
    readonly to: string
    readonly share: number
  }[]
  readonly vanished: { readonly names: readonly string[]; readonly zones: readonly string[] }
  readonly assumed_healthy: readonly string[]
  /** Absent in the answers of older nodes. */
  readonly edits?: { readonly given_way: readonly string[]; readonly set_aside: readonly string[] }
}

interface Rehearsal {
  readonly killed: readonly string[]
  readonly moved_share: number
  readonly converged_ms: number
  readonly timeline: readonly { readonly at_ms: number; readonly still_sent: number }[]
  readonly services: readonly {
    readonly service: string
    readonly moved_share: number
    readonly converged_ms: number
    readonly after: string
  }[]
  readonly load: readonly {
    readonly server: string
    readonly region: string
    readonly killed: boolean
    readonly before: number
    readonly after: number
  }[]
}

interface RehearseOptions {
  readonly region: readonly string[]
  readonly backend: readonly string[]
  readonly detection?: string
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

function addWhatIf(program: Command, io: Io): void {
  program
    .command('plan')
    .description('what another configuration would change for the clients there were')
    .argument('<file>', 'the other configuration; it is checked here, and its includes are read')
    .action(async (file: string, _options: unknown, command: Command) => {
      const loaded = loadConfig(file, { files: nodeFiles(), env: io.env })
      if (!loaded.ok) {
        for (const problem of loaded.error) io.err(formatProblem(problem))
        throw new CommandFailed(`INVALID: ${file}`)
      }
      const { text: config, files } = loaded.value.plain
      if (config === '') throw new CommandFailed(`${file} is too large to be sent`)
      const shell = shellOf(command, io)
      const found = await shell.get<Plan>('POST', '/api/v1/plan', { config, files })
      shell.print(found, renderPlan)
    })
  program
    .command('rehearse')
    .description('what the loss of regions or backends would do')
    .option('--region <name>', 'a region that is lost; may be given again', gather, [])
    .option('--backend <address>', 'a backend that is lost; may be given again', gather, [])
    .option('--detection <ms>', 'milliseconds until the loss is seen')
    .action(async (options: RehearseOptions, command: Command) => {
      const shell = shellOf(command, io)
      const { region: regions, backend: backends, detection } = options
      const detectionMs = detection === undefined ? {} : { detection_ms: Number(detection) }
      const body = { regions, backends, ...detectionMs }
      const found = await shell.get<Rehearsal>('POST', '/api/v1/rehearse', body)
      shell.print(found, renderRehearsal)
    })
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function renderPlan(plan: Plan): string {
  const { samples, queries, services, flows, vanished } = plan
  const moves = flows.slice(0, 20).map((one) => [one.service, one.from, one.to, percent(one.share)])
  const rows = services.map((one) => [
    one.service,
    String(one.queries),
    percent(one.moved_share),
    `${one.clients_moved} of ${one.clients}`,
  ])
  return [
    `${samples} sampled answers stand for ${queries} queries; ${percent(plan.moved_share)} move`,
    ...vanished.names.map((name) => `VANISHES: ${name}`),
    ...vanished.zones.map((zone) => `VANISHES: zone ${zone}`),
    ...plan.assumed_healthy.map((key) => `taken to be healthy: ${key}`),
    ...(plan.edits?.given_way ?? []).map((edit) => `the file takes the place of an edit: ${edit}`),
    ...(plan.edits?.set_aside ?? []).map((edit) => `an edit would not fit: ${edit}`),
    '',
    table(['SERVICE', 'QUERIES', 'MOVED', 'CLIENTS MOVED'], rows),
    ...(moves.length === 0 ? [] : ['', table(['SERVICE', 'FROM', 'TO', 'SHARE'], moves)]),
  ].join('\n')
}

function renderRehearsal(found: Rehearsal): string {
  const services = found.services.map((one) => [
    one.service,
    percent(one.moved_share),
    `${one.converged_ms / 1_000} s`,
    one.after,
  ])
  const load = found.load.map((one) => [
    one.killed ? 'x' : '',
    one.server,
    one.region,
    percent(one.before),
    percent(one.after),
  ])
  const times = found.timeline.map((one) => [`${one.at_ms / 1_000} s`, percent(one.still_sent)])
  return [
    `${found.killed.length} backends lost: ${percent(found.moved_share)} of clients move,`,
    `the last of them after ${found.converged_ms / 1_000} s`,
    '',
    table(['SERVICE', 'MOVED', 'CONVERGED AFTER', 'THEN'], services),
    '',
    table(['', 'BACKEND', 'REGION', 'SHARE NOW', 'SHARE THEN'], load),
    '',
    table(['AFTER', 'STILL SENT TO WHAT IS LOST'], times),
  ].join('\n')
}
