/**
 * A configuration with the edits of the API over it, as a node that was given both would serve it.
 *
 * The rules are those of a reload: a key that the file says otherwise since its edit is the file's,
 * and an edit that no longer fits is set aside. Edits come from a registry or from a capsule, so
 * they are checked; one that is unreadable is as one that is set aside.
 */
import { ownMemory } from '../base/memory.ts'
import type { Loaded } from '../config/load.ts'
import { baseOf } from '../config/overlay/base.ts'
import { compileOverlay } from '../config/overlay/compile.ts'
import { overlayContent, withTaken } from '../config/overlay/content.ts'
import { type Entries, keyOfEntry, type OverlayEntry, parseEntry } from '../config/overlay/entry.ts'
import { reconcile } from '../config/overlay/reconcile.ts'
import type { Config } from '../config/schema/root.ts'
import type { Topology } from '../steer/topology.ts'
import { sealZones, unsealZones } from '../zone/sealed.ts'

export interface EditedConfig {
  readonly config: Config
  readonly topology: Topology
  /** Edits, or keys of them, that the file takes the place of, as sentences. */
  readonly givenWay: readonly string[]
  /** Edits that do not fit the file, as sentences. */
  readonly setAside: readonly string[]
}

function read(edits: readonly unknown[]): Entries {
  const entries = new Map<string, OverlayEntry>()
  for (const edit of edits) {
    const entry = parseEntry(edit)
    if (entry !== undefined) entries.set(keyOfEntry(entry), entry)
  }
  return entries
}

export function underEdits(
  { config, topology, serial }: Pick<Loaded, 'config' | 'topology' | 'serial'>,
  edits: readonly unknown[],
): EditedConfig {
  const entries = read(edits)
  if (entries.size === 0) return { config, topology, givenWay: [], setAside: [] }
  const base = baseOf(config)
  const { entries: kept, changes } = reconcile(base, entries)
  const zones = sealZones(topology.zones, ownMemory)
  const compiled = compileOverlay(withTaken(base, kept, { zones }), kept)
  const { applied, aside } = compiled
  const content = overlayContent(compiled, { topology, zones }, serial, ownMemory)
  return {
    config: applied.config,
    topology: { ...content.topology, zones: unsealZones(content.zones) },
    givenWay: changes.map(({ entry, field, why }) => {
      const key = field === '' ? '' : ` ${field}`
      return `${entry.kind} ${entry.id}${key}: ${why}`
    }),
    setAside: [...aside].map(([key, { field, message }]) => `${key} ${field} ${message}`.trim()),
  }
}
