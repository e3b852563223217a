/**
 * The schema, looked at from outside: its keys, one by one, as documents and checks need them.
 */
import { z } from 'zod'
import { type KeyNote, noteOf } from './keys.ts'
import type { ScalarNode, TreeNode } from './tree.ts'
import type { Path } from './problems.ts'

/** What lies under the wrappers: a mapping, a list, a mapping of free names, or one value. */
export type Shape =
  | { readonly kind: 'keys'; readonly shape: Readonly<Record<string, z.ZodType>> }
  | { readonly kind: 'list'; readonly item: z.ZodType }
  | { readonly kind: 'names'; readonly value: z.ZodType }
  | { readonly kind: 'value' }

export function shapeOf(schema: z.ZodType): Shape {
  if (schema instanceof z.ZodObject) return { kind: 'keys', shape: schema.shape }
  if (schema instanceof z.ZodArray) return { kind: 'list', item: schema.element as z.ZodType }
  if (schema instanceof z.ZodRecord) return { kind: 'names', value: schema.valueType as z.ZodType }
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  )
    return shapeOf(schema.unwrap() as z.ZodType)
  // A shorthand: a transformation in front of the mapping it widens.
  if (schema instanceof z.ZodPipe && schema.out instanceof z.ZodObject) return shapeOf(schema.out)
  return { kind: 'value' }
}

/** The schema at a path of keys and indices; undefined where the path leaves the schema. */
export function schemaAt(root: z.ZodType, path: Path): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root
  for (const step of path) {
    const shape: Shape = shapeOf(schema)
    if (shape.kind === 'keys')
      schema = Object.hasOwn(shape.shape, step) ? shape.shape[step] : undefined
    else if (shape.kind === 'list') schema = shape.item
    else if (shape.kind === 'names') schema = shape.value
    else schema = undefined
    if (schema === undefined) return undefined
  }
  return schema
}

/** Of a mapping that may be written as one of its values alone: the note of that value. */
function shortNoteOf(schema: z.ZodType): KeyNote | undefined {
  const name = noteOf(schema)?.shorthand
  const shape = shapeOf(schema)
  if (name === undefined || shape.kind !== 'keys') return undefined
  const inner = shape.shape[name]
  return inner && noteOf(inner)
}

/** The note that governs a path: that of the key itself, or of the list or mapping it is in. */
export function noteAt(root: z.ZodType, path: Path): KeyNote | undefined {
  for (let length = path.length; length > 0; length--) {
    const schema = schemaAt(root, path.slice(0, length))
    const whole = length === path.length
    const note = schema && ((whole ? shortNoteOf(schema) : undefined) ?? noteOf(schema))
    if (note?.kind !== undefined) return note
    // Past a mapping the note of something further out says nothing about this value.
    if (schema !== undefined && shapeOf(schema).kind === 'keys') return undefined
  }
  return undefined
}

export interface FoundScalar {
  readonly path: Path
  readonly node: ScalarNode
  readonly note: KeyNote
}

/** Every single value of the tree that belongs to a key of the schema. */
export function* scalarsOf(
  schema: z.ZodType,
  tree: TreeNode,
  path: Path = [],
  inherited: KeyNote | undefined = undefined,
): Generator<FoundScalar> {
  const own = (tree.kind === 'scalar' ? shortNoteOf(schema) : undefined) ?? noteOf(schema)
  const note = own?.kind === undefined ? inherited : own
  if (tree.kind === 'scalar') {
    if (note !== undefined) yield { path, node: tree, note }
    return
  }
  const shape = shapeOf(schema)
  if (tree.kind === 'list') {
    const item = shape.kind === 'list' ? shape.item : schema
    for (const [index, node] of tree.items.entries())
      yield* scalarsOf(item, node, [...path, index], note)
    return
  }
  for (const [name, entry] of tree.entries) {
    const inner =
      shape.kind === 'names'
        ? shape.value
        : shape.kind === 'keys' && Object.hasOwn(shape.shape, name)
          ? shape.shape[name]
          : undefined
    if (inner !== undefined) yield* scalarsOf(inner, entry.node, [...path, name], undefined)
  }
}

/** Where each key name occurs in the schema, with `[]` for list items: `regions[].servers`. */
export function keyIndex(root: z.ZodType): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>()
  const visit = (schema: z.ZodType, prefix: string): void => {
    const shape = shapeOf(schema)
    if (shape.kind === 'list') visit(shape.item, `${prefix}[]`)
    if (shape.kind === 'names') visit(shape.value, `${prefix}.*`)
    if (shape.kind !== 'keys') return
    for (const [name, inner] of Object.entries(shape.shape)) {
      index.set(name, [...(index.get(name) ?? []), prefix === '' ? '(top level)' : prefix])
      visit(inner, prefix === '' ? name : `${prefix}.${name}`)
    }
  }
  visit(root, '')
  return index
}
