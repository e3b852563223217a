/** Limits of health checks and the state of servers. */
import type { Limit } from '../limit.ts'

export const healthLimits = {} as const satisfies Record<string, Limit>
