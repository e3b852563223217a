/**
 * What a catalogue implies: which pairs of actors are joined, and what is wrong with it.
 *
 * Kept apart from the catalogue so that the runtime can be tested with small ones. A fault here is
 * a programmer error, found when the codec is built and by a unit test of the product's catalogue.
 */
import type { Catalogue, Entry } from './entry.ts'

/**
 * The catalogue of a system that runs only some of the actors: nothing is kept for those who are
 * absent, and a request to one of them fails as to one that is down.
 */
export function presentIn(catalogue: Catalogue, roles: ReadonlySet<string>): Catalogue {
  const present = Object.entries(catalogue).map(([name, entry]) => {
    const to = roles.has(entry.from) ? entry.to.filter((role) => roles.has(role)) : []
    return [name, { ...entry, to } as Entry] as const
  })
  return Object.fromEntries(present)
}

/** Every pair of actors with a message between them, each once, names in order. */
export function edgesOf(catalogue: Catalogue): readonly (readonly [string, string])[] {
  const edges = new Map<string, readonly [string, string]>()
  for (const entry of Object.values(catalogue)) {
    for (const to of entry.to) {
      const [a, b] = entry.from < to ? [entry.from, to] : [to, entry.from]
      edges.set(`${a} ${b}`, [a, b])
    }
  }
  return [...edges.values()]
}

/** The actors `name` shares a channel with, in order. */
export function peersOf(catalogue: Catalogue, name: string): readonly string[] {
  return edgesOf(catalogue)
    .filter((edge) => edge.includes(name))
    .map(([a, b]) => (a === name ? b : a))
    .sort()
}

/** Those who publish a fact to `name`: they say again what holds when it has started. */
export function publishersTo(catalogue: Catalogue, name: string): readonly string[] {
  const publishers = new Set<string>()
  for (const entry of Object.values(catalogue)) {
    if (entry.kind === 'fact' && entry.to.includes(name)) publishers.add(entry.from)
  }
  return [...publishers].sort()
}

function entryFaults(catalogue: Catalogue): string[] {
  const faults: string[] = []
  const names = new Map<number, string>()
  for (const [name, entry] of Object.entries(catalogue)) {
    const taken = names.get(entry.id)
    if (taken !== undefined) faults.push(`${name} and ${taken} share the id ${entry.id}`)
    names.set(entry.id, name)
    if (!Number.isInteger(entry.id) || entry.id < 1) faults.push(`${name}: the id is not positive`)
    if (entry.to.includes(entry.from)) faults.push(`${name}: ${entry.from} sends to itself`)
    if (!name.startsWith(`${entry.from}.`)) faults.push(`${name} does not begin with its sender`)
    const fields = { ...entry.fields, ...(entry.kind === 'request' ? entry.reply : {}) }
    const shared = Object.values(fields).filter(({ kind }) => kind === 'shared')
    if (shared.some(({ optional }) => optional)) faults.push(`${name}: a shared field is optional`)
    if (entry.kind === 'request') {
      if (shared.length > 0) faults.push(`${name}: only facts have shared fields`)
      continue
    }
    for (const key of entry.key) {
      const kind = entry.fields[key]?.kind
      if (kind !== 'text' && kind !== 'number' && kind !== 'boolean') {
        faults.push(`${name}: the key ${key} is not a text, number or boolean field`)
      }
    }
  }
  return faults
}

/**
 * Names of the actors on a cycle of requests, or none.
 *
 * Two actors that ask each other can each wait for the other until both deadlines pass.
 */
export function askCycle(catalogue: Catalogue): readonly string[] {
  const asks = new Map<string, Set<string>>()
  for (const entry of Object.values(catalogue)) {
    if (entry.kind !== 'request') continue
    const known = asks.get(entry.from) ?? new Set<string>()
    asks.set(entry.from, known.add(entry.to[0]))
  }
  // An actor that asks nobody (any more) is on no cycle: take such actors away until none is left.
  for (let changed = true; changed; ) {
    changed = false
    for (const [from, targets] of asks) {
      for (const to of targets) if (!asks.has(to)) targets.delete(to)
      if (targets.size === 0) changed = asks.delete(from)
    }
  }
  return [...asks.keys()].sort()
}

/** Every fault of a catalogue, as sentences; none when it is sound. */
export function catalogueFaults(catalogue: Catalogue): readonly string[] {
  const cycle = askCycle(catalogue)
  return [
    ...entryFaults(catalogue),
    ...(cycle.length > 0 ? [`requests form a cycle: ${cycle.join(', ')}`] : []),
  ]
}
