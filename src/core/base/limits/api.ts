/** Limits of the HTTP listeners. */
import type { Limit } from '../limit.ts'

export const apiLimits = {} as const satisfies Record<string, Limit>
