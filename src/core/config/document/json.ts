/**
 * docs/reference/config.schema.json: the schema as JSON Schema (draft 2020-12), for editors.
 *
 * It describes what is written, not what is read from it, and lets `${NAME}` stand anywhere.
 */
import type { z } from 'zod'
import { noteOf } from '../keys.ts'
import type { JsonSchema } from '../kinds/kind.ts'
import { configSchema } from '../schema/root.ts'
import { shapeOf } from '../walk.ts'

const FROM_ENVIRONMENT: JsonSchema = { type: 'string', pattern: '\\$\\{.+\\}' }

/** Kinds whose text form is free anyway need no exception for `${NAME}`. */
const orFromEnvironment = (json: JsonSchema): JsonSchema =>
  json.type === 'string' && json.pattern === undefined && json.minLength === undefined
    ? json
    : { anyOf: [json, FROM_ENVIRONMENT] }

function valueSchema(schema: z.ZodType, kindOf: z.ZodType): JsonSchema {
  const kind = (noteOf(schema) ?? noteOf(kindOf))?.kind
  return kind === undefined ? {} : orFromEnvironment(kind.json)
}

function convert(schema: z.ZodType, around: z.ZodType): JsonSchema {
  const note = noteOf(schema)
  const shape = shapeOf(schema)
  const base: Record<string, unknown> = note === undefined ? {} : { description: note.doc }
  if (shape.kind === 'value') {
    const written = note?.written
    const shown = written === undefined || written === '' ? {} : { default: written }
    return { ...base, ...shown, ...valueSchema(schema, around) }
  }
  if (shape.kind === 'list') return { ...base, type: 'array', items: convert(shape.item, schema) }
  if (shape.kind === 'names')
    return { ...base, type: 'object', additionalProperties: convert(shape.value, schema) }
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  for (const [name, inner] of Object.entries(shape.shape)) {
    properties[name] = convert(inner, inner)
    if (noteOf(inner)?.required) required.push(name)
  }
  const object: JsonSchema = {
    ...base,
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  }
  return note?.shorthand === undefined ? object : { anyOf: [{ type: 'string' }, object] }
}

/** The content of docs/reference/config.schema.json. */
export function jsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'OpenGSLB configuration',
    ...convert(configSchema, configSchema),
  }
}
