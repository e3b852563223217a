/**
 * A configuration without its secrets, for those who need everything else of it.
 */
import type { z } from 'zod'
import { noteOf } from './keys.ts'
import { type Config, configSchema } from './schema/root.ts'
import { shapeOf } from './walk.ts'

/** The empty value of the same form. */
function blank(value: unknown): unknown {
  if (Array.isArray(value)) return []
  if (typeof value === 'object' && value !== null) return {}
  return typeof value === 'string' ? '' : value
}

function strip(schema: z.ZodType, value: unknown): unknown {
  if (noteOf(schema)?.secret === true) return blank(value)
  const shape = shapeOf(schema)
  if (shape.kind === 'list' && Array.isArray(value)) {
    // Most lists are long and hold no secret at all.
    return holdsSecret(shape.item) ? value.map((one) => strip(shape.item, one)) : value
  }
  if (shape.kind !== 'keys' || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]) => {
    const own = Object.hasOwn(shape.shape, name) ? shape.shape[name] : undefined
    return [name, own === undefined ? inner : strip(own, inner)] as const
  })
  return Object.fromEntries(entries)
}

function holdsSecret(schema: z.ZodType): boolean {
  if (noteOf(schema)?.secret === true) return true
  const shape = shapeOf(schema)
  if (shape.kind === 'list') return holdsSecret(shape.item)
  if (shape.kind === 'names') return holdsSecret(shape.value)
  return shape.kind === 'keys' && Object.values(shape.shape).some(holdsSecret)
}

export const withoutSecrets = (config: Config): Config => strip(configSchema, config) as Config
