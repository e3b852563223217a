/**
 * Pieces that the schemas of all areas share.
 */
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'

/** A schema with a name, under which it stands once in the document. */
export const named = <T extends z.ZodType>(title: string, schema: T): T =>
  schema.meta({ title }) as T

/** RFC 3339, in UTC. */
export const timestamp = z.string().meta({ format: 'date-time' })

export const count = z.number().min(0)
export const percent = z.number()

export const text = z.string().max(limits.apiTextChars.default)
export const filled = text.min(1)

export const port = z.number().int().min(1).max(65_535)
const YEAR_SECONDS = 31_536_000
export const expiresInSeconds = z.number().min(1).max(YEAR_SECONDS)

/** A number in a query or a path. */
export const numberText = (min: number, max: number) => {
  const allowed = `a number from ${min} to ${max}`
  return z.coerce.number({ error: allowed }).int(allowed).min(min, allowed).max(max, allowed)
}

export const booleanText = z.enum(['true', 'false'])

const size = numberText(0, limits.apiListItems.default)

/** Every list can be read in pages; absent means all of it. */
export const paged = {
  limit: size.optional().describe('the most items to give; absent gives all'),
  offset: size.optional().describe('how many items to pass over'),
} as const

/** What a list tells beside its items. */
export const listed = {
  total: count.describe('items there are, on all pages'),
  generated_at: timestamp,
} as const

export const done = named('Done', z.object({ success: z.literal(true), message: z.string() }))

/** The shape of every error; RFC 9457 beside that of the original. */
export const problem = named(
  'Problem',
  z.object({
    error: z.string().describe('what is wrong, for people'),
    code: z.number().int().describe('the status'),
    type: z.string().optional(),
    title: z.string().optional(),
    status: z.number().int().optional(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    request_id: z.string().optional(),
    errors: z
      .array(
        z.object({
          in: z.enum(['path', 'query', 'header', 'body']),
          field: z.string(),
          allowed: z.string(),
          value: z.string().optional(),
        }),
      )
      .optional()
      .describe('each fault of a request that does not fit'),
  }),
)
