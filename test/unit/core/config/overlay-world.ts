/** The overlay over a configuration given as text: edits in, what is served out. */
import type { Base } from '../../../../src/core/config/overlay/base.ts'
import { baseOf } from '../../../../src/core/config/overlay/base.ts'
import {
  type CompiledOverlay,
  compileOverlay,
} from '../../../../src/core/config/overlay/compile.ts'
import {
  type Edit,
  type EditFields,
  editOverlay,
} from '../../../../src/core/config/overlay/edit.ts'
import type { EditAction } from '../../../../src/core/config/overlay/edit.ts'
import { canonicalId } from '../../../../src/core/config/overlay/edit.ts'
import type { Entries, ObjectKind } from '../../../../src/core/config/overlay/entry.ts'
import { parseEntry } from '../../../../src/core/config/overlay/entry.ts'
import { type GivenWay, reconcile } from '../../../../src/core/config/overlay/reconcile.ts'
import { poolsOf } from '../../../../src/core/config/topology.ts'
import { loaded } from './load-text.ts'

export const FILE = `
dns: { listen_address: "192.0.2.53:53", zones: [example.com] }
regions:
  - name: us
    countries: [US]
    servers:
      - { address: 192.0.2.1, service: app.example.com, weight: 50 }
      - { address: 192.0.2.2, service: app.example.com, health_check: { interval: 3s } }
      - { address: "2001:db8::1", service: app.example.com }
  - name: eu
    servers: [{ address: 192.0.2.9, service: web.example.com }]
domains:
  - { name: app.example.com, regions: [us], ttl: 20 }
  - { name: web.example.com, regions: [eu] }
`

export class OverlayWorld {
  base: Base
  entries: Entries = new Map()
  compiled: CompiledOverlay
  #revision = 0

  constructor(file = FILE) {
    this.base = baseOf(loaded(file).config)
    this.compiled = compileOverlay(this.base, this.entries)
  }

  /** `done`, or `code field: message`. */
  edit(
    action: EditAction,
    kind: ObjectKind,
    id: string,
    fields: EditFields = {},
    more: Partial<Edit> = {},
  ): string {
    const named = canonicalId(kind, id)
    if (!named.ok) return `invalid : ${named.error}`
    const revision = ++this.#revision
    const edited = editOverlay(this.base, this.entries, this.compiled, {
      ...{ action, kind, id: named.value, fields, notes: {}, by: 'ann' },
      ...{ atMs: revision, revision, ...more },
    })
    if (!edited.ok) return `${edited.error.code} ${edited.error.field}: ${edited.error.message}`
    this.entries = edited.value.entries
    this.compiled = edited.value.compiled
    return 'done'
  }

  create(kind: ObjectKind, id: string, fields: EditFields = {}): string {
    return this.edit('create', kind, id, fields)
  }

  patch(kind: ObjectKind, id: string, fields: EditFields): string {
    return this.edit('patch', kind, id, fields)
  }

  remove(kind: ObjectKind, id: string): string {
    return this.edit('delete', kind, id)
  }

  /** A start or a reload with this file: the edits as the disk gives them back. */
  reload(file = FILE): readonly GivenWay[] {
    this.base = baseOf(loaded(file).config)
    const kept = [...this.entries].map(([key, entry]) => {
      const read = parseEntry(structuredClone(entry))
      if (read === undefined) throw new Error(`${key} is not read back`)
      return [key, read] as const
    })
    const { entries, changes } = reconcile(this.base, new Map(kept))
    this.entries = entries
    this.compiled = compileOverlay(this.base, entries)
    return changes
  }

  get pools() {
    const { applied } = this.compiled
    return poolsOf(applied.config, applied)
  }

  /** Addresses with weights by name. */
  get served(): Record<string, string[]> {
    return Object.fromEntries(
      this.pools.map(({ name, members }) => [
        name,
        members.map(({ address, weight }) => `${address}*${weight}`),
      ]),
    )
  }

  pool(name: string) {
    return this.pools.find((one) => one.name === name)
  }
}
