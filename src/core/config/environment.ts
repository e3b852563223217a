/**
 * Settings from outside the file: flags win over the environment, the environment over the file.
 */
import type { Environment } from './interpolate.ts'
import type { Place } from './problems.ts'
import { type MapNode, scalar, type TreeNode, withNodeAt } from './tree.ts'

/** Values of flags, as written on the command line; absent ones change nothing. */
export interface FlagValues {
  readonly mode?: string | undefined
  readonly nodeName?: string | undefined
  readonly bindAddress?: string | undefined
  readonly bootstrap?: boolean | undefined
  /** Comma-separated. */
  readonly join?: string | undefined
  readonly forceNewCluster?: boolean | undefined
}

interface Setting {
  readonly path: readonly string[]
  readonly text: string
  readonly from: string
}

const VARIABLES: readonly (readonly [variable: string, path: readonly string[]])[] = [
  ['OPENGSLB_CLUSTER_MODE', ['cluster', 'mode']],
  ['OPENGSLB_CLUSTER_NODE_NAME', ['cluster', 'node_name']],
  ['OPENGSLB_CLUSTER_BIND_ADDRESS', ['cluster', 'bind_address']],
  ['OPENGSLB_CLUSTER_BOOTSTRAP', ['cluster', 'bootstrap']],
  ['OPENGSLB_CLUSTER_JOIN', ['cluster', 'join']],
]

function settingsOf(environment: Environment, flags: FlagValues): Setting[] {
  const settings: Setting[] = []
  for (const [variable, path] of VARIABLES) {
    const text = Object.hasOwn(environment, variable) ? environment[variable] : undefined
    // An empty variable is how an environment file leaves a setting out.
    if (text !== undefined && text !== '') settings.push({ path, text, from: `$${variable}` })
  }
  const add = (path: readonly string[], text: string | undefined, flag: string) => {
    if (text !== undefined && text !== '') settings.push({ path, text, from: flag })
  }
  const clustered = flags.mode === 'cluster' || flags.mode === 'standalone'
  add(['mode'], flags.mode, '--mode')
  add(['cluster', 'mode'], clustered ? flags.mode : undefined, '--mode')
  add(['cluster', 'node_name'], flags.nodeName, '--node-name')
  add(['cluster', 'bind_address'], flags.bindAddress, '--bind-address')
  add(['cluster', 'bootstrap'], flags.bootstrap ? 'true' : undefined, '--bootstrap')
  add(['cluster', 'join'], flags.join, '--join')
  const force = flags.forceNewCluster ? 'true' : undefined
  add(['cluster', 'force_new_cluster'], force, '--force-new-cluster')
  return settings
}

export function withSettings(root: MapNode, environment: Environment, flags: FlagValues): MapNode {
  let tree = root
  for (const { path, text, from } of settingsOf(environment, flags)) {
    const place: Place = { file: from, line: 0, column: 0 }
    const items = text.split(',').map((item) => scalar(item.trim(), place))
    const node: TreeNode =
      path.at(-1) === 'join' ? { kind: 'list', items, place } : scalar(text, place)
    tree = withNodeAt(tree, path, node)
  }
  return tree
}
