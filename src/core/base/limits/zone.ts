/** Limits of zones and their records. */
import type { Limit } from '../limit.ts'

export const zoneLimits = {} as const satisfies Record<string, Limit>
