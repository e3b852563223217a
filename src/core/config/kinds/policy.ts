/**
 * `domains[].policy`: a policy made of others, read part by part.
 *
 * It is the one value of a configuration that nests without a fixed depth, so it is read here and
 * not by the schema; each fault is told with its place below the key. What its regions must be is a
 * rule across keys (rules/policies.ts).
 */
import { steerLimits } from '../../base/limits/steer.ts'
import type { Result } from '../../base/result.ts'
import { fail } from '../../base/result.ts'
import type { FenceRule, LeafAlgorithm, PolicyNode } from '../../steer/policy-tree.ts'
import { nearest } from '../nearest.ts'
import type { Path } from '../problems.ts'
import type { Kind } from './kind.ts'
import { integer } from './numbers.ts'
import { continent, country, word } from './texts.ts'

/** What a policy that names only regions chooses by. */
const DEFAULT_ALGORITHM: LeafAlgorithm = 'weighted'
const DEFAULT_WEIGHT = 100

const KINDS = ['geofence', 'failover', 'weighted', 'routing_algorithm'] as const
const CLIENTS = ['countries', 'continents', 'home_regions'] as const
const ONE = `one of ${KINDS.join(', ')}, or regions alone`

const json = {
  type: 'object',
  properties: {
    ...Object.fromEntries(
      ['geofence', 'failover', 'weighted'].map((name) => [
        name,
        { type: 'array', minItems: 1, items: { type: 'object' } },
      ]),
    ),
    routing_algorithm: { type: 'string' },
    regions: { type: 'array', items: { type: 'string' } },
  },
  additionalProperties: false,
}

/** How it is told in documents; it is read by `readPolicy`. */
export const policyKind: Kind<PolicyNode> = {
  name: 'policy',
  allowed: 'geofence, failover, weighted, or routing_algorithm with regions',
  json,
  read: (): Result<PolicyNode, string> => fail('is read as a whole'),
}

/** Tells of a fault: its path below the key, what is wrong, and what is allowed. */
export type TellFault = (path: Path, message: string, allowed?: string) => void

type Keys = Readonly<Record<string, unknown>>

const isKeys = (input: unknown): input is Keys =>
  typeof input === 'object' && input !== null && !Array.isArray(input)

class Reader {
  readonly #tell: TellFault
  readonly #algorithm: Kind<LeafAlgorithm>
  #left: number = steerLimits.policyNodes.default

  constructor(tell: TellFault, algorithm: Kind<LeafAlgorithm>) {
    this.#tell = tell
    this.#algorithm = algorithm
  }

  /** @param own keys of the item it stands in, which are not its own */
  node(input: unknown, path: Path, own: readonly string[] = []): PolicyNode | undefined {
    if (!isKeys(input)) return this.#fault(path, 'must be a mapping of keys', ONE)
    const { policyDepth, policyNodes } = steerLimits
    // A level is a key and the index of its item.
    if (path.length > 2 * policyDepth.default)
      return this.#fault(path, `is nested more than ${policyDepth.default} deep`)
    if (--this.#left < 0) return this.#fault(path, `makes more than ${policyNodes.default} parts`)
    const known = [...KINDS, 'regions', ...own]
    let isFaulty = false
    for (const name of Object.keys(input).filter((one) => !known.includes(one))) {
      const near = nearest(name, known)
      const hint = near === undefined ? '' : `; did you mean \`${near}\`?`
      this.#tell([...path, name], `is not a known key of a policy${hint}`, known.join(', '))
      isFaulty = true
    }
    const given = KINDS.filter((name) => input[name] !== undefined && input[name] !== null)
    if (given.length > 1) return this.#fault([...path, given[1]!], `stands beside ${given[0]}`, ONE)
    const [kind = 'routing_algorithm'] = given
    if (kind === 'routing_algorithm') return isFaulty ? undefined : this.#leaf(input, path)
    if (input['regions'] !== undefined)
      return this.#fault(
        [...path, 'regions'],
        `stands beside ${kind}; each of its parts has its own`,
      )
    const items = this.#items(input[kind], [...path, kind])
    return items === undefined || isFaulty ? undefined : this.#parts(kind, items, [...path, kind])
  }

  #fault(path: Path, message: string, allowed?: string): undefined {
    this.#tell(path, message, allowed)
    return undefined
  }

  #items(input: unknown, path: Path): readonly unknown[] | undefined {
    if (!Array.isArray(input)) return this.#fault(path, 'must be a list')
    if (input.length === 0) return this.#fault(path, 'must have at least one part')
    return input
  }

  #leaf(input: Keys, path: Path): PolicyNode | undefined {
    const { routing_algorithm: written, regions } = input
    if ((written ?? undefined) === undefined && (regions ?? undefined) === undefined)
      return this.#fault(path, 'says nothing of how to choose', ONE)
    const named = this.#list(word, regions, [...path, 'regions'])
    if ((written ?? undefined) === undefined)
      return named && { kind: 'choose', algorithm: DEFAULT_ALGORITHM, regions: named }
    const algorithm = this.#value(this.#algorithm, written, [...path, 'routing_algorithm'])
    if (named === undefined || algorithm === undefined) return undefined
    return { kind: 'choose', algorithm, regions: named }
  }

  #value<T>(kind: Kind<T>, input: unknown, path: Path): T | undefined {
    const read = kind.read(input)
    return read.ok ? read.value : this.#fault(path, read.error, kind.allowed)
  }

  #list<T>(kind: Kind<T>, input: unknown, path: Path): readonly T[] | undefined {
    if (input === undefined || input === null) return []
    if (!Array.isArray(input)) return this.#fault(path, 'must be a list')
    const values = input.map((one, at) => this.#value(kind, one, [...path, at]))
    return values.every((one) => one !== undefined) ? values : undefined
  }

  #parts(
    kind: 'geofence' | 'failover' | 'weighted',
    items: readonly unknown[],
    path: Path,
  ): PolicyNode | undefined {
    if (kind === 'failover') {
      const tiers = items.map((item, at) => this.node(item, [...path, at]))
      return tiers.every((one) => one !== undefined) ? { kind, tiers } : undefined
    }
    if (kind === 'weighted') {
      const parts = items.map((item, at) => this.#part(item, [...path, at]))
      return parts.every((one) => one !== undefined) ? { kind: 'split', parts } : undefined
    }
    const rules = items.map((item, at) => this.#rule(item, [...path, at]))
    return rules.every((one) => one !== undefined) ? { kind, rules } : undefined
  }

  #part(item: unknown, path: Path) {
    const node = this.node(item, path, ['weight'])
    const written = isKeys(item) ? (item['weight'] ?? DEFAULT_WEIGHT) : DEFAULT_WEIGHT
    const weight = this.#value(integer(0, 65_535), written, [...path, 'weight'])
    return node === undefined || weight === undefined ? undefined : { weight, node }
  }

  #rule(item: unknown, path: Path): FenceRule | undefined {
    const node = this.node(item, path, CLIENTS)
    if (!isKeys(item)) return undefined
    const clients = (name: (typeof CLIENTS)[number], kind: Kind<string>) => {
      const listed = this.#list(kind, item[name], [...path, name])
      // Without the key a part is for everybody, which a list that ran empty cannot mean.
      return item[name] !== undefined && listed?.length === 0
        ? this.#fault([...path, name], 'lists nobody; a part for all others goes without it')
        : listed
    }
    const countries = clients('countries', country)
    const continents = clients('continents', continent)
    const homes = clients('home_regions', word)
    if (node === undefined || !countries || !continents || !homes) return undefined
    return {
      ...(countries.length === 0 ? {} : { countries }),
      ...(continents.length === 0 ? {} : { continents }),
      ...(homes.length === 0 ? {} : { homes }),
      node,
    }
  }
}

/** Reads a policy; undefined where a fault was told. */
export function readPolicy(
  input: unknown,
  algorithms: Kind<LeafAlgorithm>,
  tell: TellFault,
): PolicyNode | undefined {
  return new Reader(tell, algorithms).node(input, [])
}

const NAMES = { geofence: 'geofence', failover: 'failover', split: 'weighted' } as const

/** Every part of a policy with where it is written, from the whole one on. */
export function* writtenNodes(
  node: PolicyNode,
  path: Path = [],
): Generator<{ readonly node: PolicyNode; readonly path: Path }> {
  yield { node, path }
  if (node.kind === 'choose') return
  const below =
    node.kind === 'failover'
      ? node.tiers
      : (node.kind === 'split' ? node.parts : node.rules).map((one) => one.node)
  for (const [at, inner] of below.entries())
    yield* writtenNodes(inner, [...path, NAMES[node.kind], at])
}
