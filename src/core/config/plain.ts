/**
 * What of a configuration shows in answers, as one text without secrets.
 *
 * Only listed keys are taken, so that a secret can never slip in by a new key: `dns` without its
 * cookie secrets, domains, regions without their health checks, which may carry credentials, and of
 * `overwatch` where clients are.
 * Includes are merged and variables filled in. The text is JSON, which is YAML too, and loads like
 * any configuration; zone files go beside it under the names it uses.
 */
import { limits } from '../base/limits.ts'
import { replayLimits } from '../base/limits/replay.ts'
import type { Files } from './files.ts'
import { type MapNode, nodeAt, plainOf, type TreeNode, withEntry, withoutEntry } from './tree.ts'

export interface PlainConfig {
  /** Empty when it was too large to be kept. */
  readonly text: string
  /** Texts of zone files by the path that `text` names them by. */
  readonly files: Readonly<Record<string, string>>
  /** The SOA serial of zones that give none. */
  readonly serial: number
}

export const NO_PLAIN: PlainConfig = { text: '', files: {}, serial: 1 }

const KEPT = ['dns', 'domains', 'regions']
/** Not shown in answers, or secret. */
const LEFT_OUT_OF_DNS = ['cookies', 'threads', 'cpus', 'nice', 'realtime', 'batch_size', 'tcp']

function without(node: TreeNode, keys: readonly string[]): TreeNode {
  if (node.kind !== 'map') return node
  return keys.reduce(withoutEntry, node)
}

/** Every item of a list, changed. */
const eachOf = (node: TreeNode | undefined, change: (item: TreeNode) => TreeNode) =>
  node?.kind === 'list' ? { ...node, items: node.items.map(change) } : undefined

function withoutChecks(region: TreeNode): TreeNode {
  const bare = without(region, ['health_check'])
  if (bare.kind !== 'map') return bare
  const servers = bare.entries.get('servers')
  const changed = eachOf(servers?.node, (server) => without(server, ['health_check']))
  return servers === undefined || changed === undefined
    ? bare
    : withEntry(bare, { ...servers, node: changed })
}

function keptOf(tree: MapNode): MapNode {
  let kept: MapNode = { ...tree, entries: new Map() }
  for (const key of KEPT) {
    const entry = tree.entries.get(key)
    if (entry === undefined) continue
    const { node } = entry
    const bare =
      key === 'dns'
        ? without(node, LEFT_OUT_OF_DNS)
        : key === 'regions'
          ? (eachOf(node, withoutChecks) ?? node)
          : node
    kept = withEntry(kept, { ...entry, node: bare })
  }
  return withGeography(kept, tree)
}

/** Domains that are steered by place are not valid without it. */
function withGeography(kept: MapNode, tree: MapNode): MapNode {
  const overwatch = tree.entries.get('overwatch')
  if (overwatch?.node.kind !== 'map') return kept
  const geolocation = overwatch.node.entries.get('geolocation')
  if (geolocation === undefined) return kept
  const none: MapNode = { ...overwatch.node, entries: new Map() }
  return withEntry(kept, { ...overwatch, node: withEntry(none, geolocation) })
}

/** Texts of the zone files, at most `room` octets together; undefined when they are more. */
function zoneFilesOf(
  tree: MapNode,
  files: Files,
  room: number,
): Readonly<Record<string, string>> | undefined {
  const zones = nodeAt(tree, ['dns', 'zones'])
  const texts: Record<string, string> = {}
  let left = room
  for (const zone of zones?.kind === 'list' ? zones.items : []) {
    const file = nodeAt(zone, ['file'])
    if (file?.kind !== 'scalar' || file.text === '') continue
    const path = files.join(files.directoryOf(file.place.file), file.text)
    const read = files.read(path, Math.min(left, limits.configZoneFileBytes.default))
    if (!read.ok) return
    left -= read.value.bytes.length
    texts[file.text] = new TextDecoder('utf-8').decode(read.value.bytes)
  }
  return texts
}

/** @param tree merged, modernised and validated */
export function plainConfig(tree: MapNode, files: Files, serial: number): PlainConfig {
  const text = JSON.stringify(plainOf(keptOf(tree)), undefined, 1)
  const room = replayLimits.keptConfigBytes.default - text.length
  const texts = room > 0 ? zoneFilesOf(tree, files, room) : undefined
  return texts === undefined ? { ...NO_PLAIN, serial } : { text, files: texts, serial }
}
