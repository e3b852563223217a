/** Limits of configuration files. */
import type { Limit } from '../limit.ts'

export const configLimits = {} as const satisfies Record<string, Limit>
