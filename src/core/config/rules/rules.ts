/**
 * The rules that hold across keys, all of them, in the order they are told.
 */
import type { Problem } from '../problems.ts'
import type { Config } from '../schema/root.ts'
import type { MapNode } from '../tree.ts'
import { checkAccess } from './access.ts'
import { checkGeography } from './geography.ts'
import { checkListeners } from './listeners.ts'
import { checkModeRules } from './modes.ts'
import { checkNames } from './names.ts'
import { checkPolicies } from './policies.ts'
import { startReview } from './report.ts'
import { checkServers } from './servers.ts'

export function reviewed(config: Config, tree: MapNode): readonly Problem[] {
  const { review, problems } = startReview(config, tree)
  checkModeRules(review)
  // An agent answers no queries, so names and servers of its file say nothing to it.
  if (config.mode === 'overwatch') {
    checkNames(review)
    checkGeography(review)
    checkPolicies(review)
  }
  checkServers(review)
  checkListeners(review)
  checkAccess(review)
  return problems
}

/** The rules on names, places and servers alone, for what is edited while the node runs. */
export function reviewedObjects(config: Config, tree: MapNode): readonly Problem[] {
  const { review, problems } = startReview(config, tree)
  checkNames(review)
  checkGeography(review)
  checkPolicies(review)
  checkServers(review)
  return problems
}
