/**
 * The schema flattened: every key with its path and what is known of it.
 */
import type { z } from 'zod'
import { assert } from '../../base/assert.ts'
import { type KeyNote, noteOf } from '../keys.ts'
import { configSchema } from '../schema/root.ts'
import { type Shape, shapeOf } from '../walk.ts'

export interface KeyPath {
  /** `regions[].servers[].port`. */
  readonly path: string
  readonly name: string
  readonly depth: number
  readonly note: KeyNote
  /** `value` also for lists of single values. */
  readonly shape: 'value' | 'values' | 'names' | 'keys' | 'list'
  readonly children: readonly KeyPath[]
}

function shapeName(shape: Shape): KeyPath['shape'] {
  if (shape.kind !== 'list') return shape.kind
  return shapeOf(shape.item).kind === 'value' ? 'values' : 'list'
}

function childrenOf(schema: z.ZodType, prefix: string, depth: number): KeyPath[] {
  const shape = shapeOf(schema)
  if (shape.kind === 'list') return childrenOf(shape.item, `${prefix}[]`, depth)
  if (shape.kind !== 'keys') return []
  return Object.entries(shape.shape).map(([name, inner]) => {
    const note = noteOf(inner)
    const path = prefix === '' ? name : `${prefix}.${name}`
    assert(note !== undefined, `the key ${path} is documented`)
    const children = childrenOf(inner, path, depth + 1)
    return { path, name, depth, note, shape: shapeName(shapeOf(inner)), children }
  })
}

/** The keys as a tree, in the order of the schema. */
export const keyTree = (): readonly KeyPath[] => childrenOf(configSchema, '', 0)

/** Every key, parents before their children. */
export function configPaths(): readonly KeyPath[] {
  const flat: KeyPath[] = []
  const visit = (keys: readonly KeyPath[]): void => {
    for (const key of keys) {
      flat.push(key)
      visit(key.children)
    }
  }
  visit(keyTree())
  return flat
}
