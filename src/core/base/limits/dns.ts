/** Limits of the DNS path: packets, names, connections. */
import type { Limit } from '../limit.ts'

export const dnsLimits = {} as const satisfies Record<string, Limit>
