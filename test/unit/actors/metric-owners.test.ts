// Goal: a metric belongs to one actor. Gauges of one name are summed over threads at the scrape, so
// two actors that both set one would show its double.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const actors = new URL('../../../src/actors/', import.meta.url)

test('no two actors set a metric of one name', () => {
  const owners = new Map<string, Set<string>>()
  for (const actor of readdirSync(actors, { withFileTypes: true })) {
    if (!actor.isDirectory()) continue
    const folder = new URL(`${actor.name}/`, actors)
    for (const file of readdirSync(folder)) {
      if (!/^metrics.*\.ts$/.test(file)) continue
      const text = readFileSync(new URL(file, folder), 'utf8')
      for (const [, name] of text.matchAll(/'(opengslb_[a-z0-9_]+)'/g))
        owners.set(name!, (owners.get(name!) ?? new Set()).add(actor.name))
    }
  }
  expect(owners.size).toBeGreaterThan(50)
  const shared = [...owners].filter(([, who]) => who.size > 1)
  expect(shared.map(([name, who]) => `${name}: ${[...who].join(', ')}`)).toEqual([])
})
