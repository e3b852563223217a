/**
 * What a route takes and gives, as zod schemas: from it come the OpenAPI document, the check of
 * requests before a handler sees them, and the tests that hold every answer to its word.
 */
import type { ZodType } from 'zod'

/** Content of an answer that is not JSON. */
export type OtherContent = 'text/plain' | 'text/csv' | 'text/html' | 'text/event-stream' | 'none'

export interface RouteSchema {
  /** The group it is listed under, in one word: `overrides`, `domains`. */
  readonly tag: string
  /** `{name}` segments of the path, where more than text is asked of one. */
  readonly params?: Readonly<Record<string, ZodType>>
  /** Query parameters by name; values are text on the wire. */
  readonly query?: Readonly<Record<string, ZodType>>
  /** Header fields with a meaning here, names in lower case. */
  readonly headers?: Readonly<Record<string, ZodType>>
  /** The JSON body; absent where none is read. */
  readonly body?: ZodType
  /** The body may be missing, or be of this type instead, and then the handler alone reads it. */
  readonly otherBody?: 'application/yaml' | 'none'
  /** Its answers carry an ETag of their content, unless the handler gives one. */
  readonly etag?: true
  /** By status. Errors that every route may give (400, 401, 403, 404, 405, 503) need no row. */
  readonly answers: Readonly<Record<number, ZodType | OtherContent>>
  /** What 200 may be instead, where the client asks for it. */
  readonly otherContent?: Exclude<OtherContent, 'none'>
}
