/** Goal: the simulator runs what the product runs. */
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../../src/messages/catalogue.ts'
import { catalogueFaults } from '../../../src/messages/edges.ts'
import { productActors, productCatalogue } from '../../harness/product.ts'

const folders = readdirSync(new URL('../../../src/actors/', import.meta.url), {
  withFileTypes: true,
})
  // A folder with ports alone is no actor yet.
  .filter(({ name }) =>
    existsSync(new URL(`../../../src/actors/${name}/actor.ts`, import.meta.url)),
  )
  .map((entry) => entry.name)
  .sort()

describe('the simulator', () => {
  test('knows every actor folder of the product, and no other', () => {
    expect(Object.keys(productActors).sort()).toEqual(folders)
  })

  test.each(folders)('imports %s from its actor.ts, under its own name', async (folder) => {
    const actorUrl = new URL(`../../../src/actors/${folder}/actor.ts`, import.meta.url)
    const actorModule = (await import(actorUrl.href)) as Record<string, unknown>
    const definition = productActors[folder as keyof typeof productActors]
    expect(definition).toBe(actorModule[folder])
    expect(definition.name).toBe(folder)
  })

  test('uses the catalogue of the product, whose senders and receivers all exist', () => {
    expect(productCatalogue).toBe(catalogue)
    for (const entry of Object.values(catalogue)) {
      for (const name of [entry.from, ...entry.to]) expect(folders).toContain(name)
    }
  })

  test('has a sound catalogue', () => {
    expect(catalogueFaults(catalogue)).toEqual([])
  })
})
