/**
 * From a path to a configuration that can be served, or to everything that is wrong with it.
 *
 * Nothing is applied half: either all of it is right (warnings aside) or the caller gets only
 * problems. A reload is the same call again; the caller keeps what it has when this fails.
 */
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import type { Topology } from '../steer/topology.ts'
import { readAuthorities } from './authorities.ts'
import { clustered } from './clustered.ts'
import { type FlagValues, withSettings } from './environment.ts'
import type { Files } from './files.ts'
import { gather } from './includes.ts'
import { checkModes, remarksOn } from './inspect.ts'
import type { Environment } from './interpolate.ts'
import { modernise } from './legacy.ts'
import { type PlainConfig, plainConfig } from './plain.ts'
import { inReadingOrder, type Problem } from './problems.ts'
import { reviewed } from './rules/rules.ts'
import type { ZoneContent } from './authority.ts'
import type { Config } from './schema/root.ts'
import { nodeAt, type MapNode } from './tree.ts'
import { topologyOf } from './topology.ts'
import { validate } from './validate.ts'
import { checkZones, readZones } from './zones.ts'

export { formatProblem, type Problem } from './problems.ts'
export type { Config } from './schema/root.ts'

export interface LoadOptions {
  readonly files: Files
  readonly env: Environment
  /** Value of `--mode`; empty or absent changes nothing. */
  readonly modeFlag?: string | undefined
  /** The other flags that set keys. */
  readonly flags?: FlagValues
  /** SOA serial of zones that give none, by default 1; a reload must pass a larger one. */
  readonly serial?: number
}

export interface Loaded {
  readonly config: Config
  readonly topology: Topology
  /** The SOA serial that zones got which give none. */
  readonly serial: number
  /** Static records by apex, for compiling the topology again after an edit of the config. */
  readonly zoneRecords: ReadonlyMap<string, ZoneContent>
  /** PEM texts of `overwatch.validation.ca_file`. */
  readonly trustedAuthorities: readonly string[]
  readonly warnings: readonly Problem[]
  /** What of it shows in answers, as a text without secrets. */
  readonly plain: PlainConfig
  /** Every file that was read, the main one first. */
  readonly sources: readonly string[]
}

/** Whether a path is the other, lies in it, or holds it. */
function related(a: string, b: string): boolean {
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`)
  return within(a, b) || within(b, a)
}

/** Faults of values that are wrong already would be consequences, not causes. */
function withoutConsequences(later: readonly Problem[], earlier: readonly Problem[]): Problem[] {
  // Beyond what is told anyway nothing is compared: the work is the product of the two.
  const most = limits.configProblems.default + 1
  const faults = earlier.filter((one) => one.severity === 'error').slice(0, most)
  return later
    .slice(0, 2 * most)
    .filter(
      ({ place, path, follows = '' }) =>
        !faults.some(
          (one) =>
            (one.path !== '' && path !== '' && related(one.path, path)) ||
            (follows !== '' && one.path === follows) ||
            (place.line > 0 &&
              one.place.file === place.file &&
              one.place.line === place.line &&
              one.place.column === place.column),
        ),
    )
}

/** Keys whose value follows from another when the file leaves them out. */
function settled(config: Config, tree: MapNode): Config {
  const given = (...path: string[]) => nodeAt(tree, path) !== undefined
  const { dns, api } = config
  const lastHealthy = !given('dns', 'when_all_down') && dns.return_last_healthy
  // The default port belongs to an overwatch, which may run on the same host as its agents.
  const silentApi = config.mode === 'agent' && !given('api')
  const settledOnes = {
    ...config,
    ...(lastHealthy ? { dns: { ...dns, when_all_down: 'last_healthy' } } : {}),
    ...(silentApi ? { api: { ...api, enabled: false } } : {}),
  } satisfies Config
  return clustered(settledOnes, given)
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  const most = limits.configProblems.default
  const ordered = inReadingOrder(problems)
  if (ordered.length <= most) return ordered
  const rest = ordered.length - most
  const last = ordered[most]!
  const message = `and ${rest} more problems`
  return [
    ...ordered.slice(0, most),
    { severity: last.severity, place: last.place, path: '', message },
  ]
}

export function loadConfig(path: string, options: LoadOptions): Result<Loaded, readonly Problem[]> {
  const { files, env } = options
  const gathered = gather(path, files, env)
  if (gathered.sources.length === 0 || gathered.broken) return fail(bounded(gathered.problems))
  const flags = { ...options.flags, mode: options.modeFlag ?? options.flags?.mode }
  const modern = modernise(withSettings(gathered.root, env, flags))
  const problems = [...gathered.problems, ...modern.problems]
  const validated = validate(modern.root)
  problems.push(...withoutConsequences(validated.problems, problems))
  if (!validated.usable) return fail(bounded(problems))
  const { tree } = validated
  const config = settled(validated.config, tree)
  problems.push(...withoutConsequences(reviewed(config, tree), problems))
  const zones = readZones(config, tree, files)
  problems.push(...zones.problems)
  const authorities = readAuthorities(config, tree, files)
  problems.push(...authorities.problems)
  const serial = options.serial ?? 1
  const topology = topologyOf(config, { serial, zoneRecords: zones.contents })
  problems.push(...checkZones(config, tree, topology.zones, topology.pools, zones))
  problems.push(...remarksOn(tree), ...checkModes(tree, gathered.sources))
  if (problems.some((one) => one.severity === 'error')) return fail(bounded(problems))
  const sources = [...gathered.sources.map((source) => source.path), ...zones.sources]
  const warnings = bounded(problems)
  const trustedAuthorities = authorities.trusted
  return ok({
    config,
    topology,
    serial,
    zoneRecords: zones.contents,
    trustedAuthorities,
    warnings,
    plain: plainConfig(modern.root, files, serial),
    sources,
  })
}
