/**
 * `domains[].policy` as an edit holds it: the JSON of what a file would say, in one text.
 *
 * Every other edited key is a text, a number or a list of those, and crosses threads, nodes and the
 * disk as such; a policy nests, so it does so as a text. It is read by what reads the file.
 */
import { z } from 'zod'
import type { PolicyNode } from '../../steer/policy-tree.ts'
import { readPolicy } from '../kinds/policy.ts'
import { formatPath } from '../problems.ts'
import { routingAlgorithm } from '../schema/words.ts'

/** What a file would say to mean this policy. */
export function writtenPolicy(node: PolicyNode): Readonly<Record<string, unknown>> {
  switch (node.kind) {
    case 'choose':
      return {
        routing_algorithm: node.algorithm,
        ...(node.regions.length === 0 ? {} : { regions: node.regions }),
      }
    case 'failover':
      return { failover: node.tiers.map(writtenPolicy) }
    case 'split':
      return {
        weighted: node.parts.map((part) => ({ weight: part.weight, ...writtenPolicy(part.node) })),
      }
    case 'geofence':
      return {
        geofence: node.rules.map(({ countries, continents, homes, node: inner }) => ({
          ...(countries === undefined ? {} : { countries }),
          ...(continents === undefined ? {} : { continents }),
          ...(homes === undefined ? {} : { home_regions: homes }),
          ...writtenPolicy(inner),
        })),
      }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads such a text; the first fault is told with its place in the policy. */
export const policyText: z.ZodType<PolicyNode> = z.string().transform((text, ctx) => {
  let isFaulty = false
  const node = readPolicy(parsed(text), routingAlgorithm, (path, message, allowed) => {
    if (isFaulty) return
    isFaulty = true
    const at = path.length === 0 ? '' : `${formatPath(path)} `
    const params = allowed === undefined ? {} : { allowed }
    ctx.addIssue({ code: 'custom', message: `${at}${message}`, params })
  })
  return node ?? z.NEVER
})
