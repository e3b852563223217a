/**
 * A small system with the shape of the real one, for tests of the runtime.
 *
 * `driver` asks `store` to set values; `store` commits each to a disk that outlives it, then
 * publishes it; `reader` and `mirror` hold what the store holds; `auditor` holds what `reader`
 * last told it. Snapshot and change messages are fenced by (epoch, version) as in the product.
 */
import { actorsOf } from '../../src/kernel/actor.ts'
import type { Catalogue } from '../../src/messages/entry.ts'
import { field } from '../../src/messages/fields.ts'
import type { Life, WorldChild } from './world.ts'

export type Entries = readonly (readonly [key: string, value: number])[]

export const toyCatalogue = {
  'driver.set-value': {
    kind: 'request',
    id: 1,
    from: 'driver',
    to: ['store'],
    maxBytes: 1_024,
    fields: { key: field.text('which'), value: field.number('what') },
    reply: { version: field.number('version of the commit') },
    doc: 'Commit a value.',
  },
  'store.all-set': {
    kind: 'fact',
    id: 2,
    from: 'store',
    to: ['reader', 'mirror'],
    delivery: 'latest',
    key: [],
    maxBytes: 1_048_576,
    fields: {
      epoch: field.number('incarnation of the store'),
      version: field.number('commits so far'),
      entries: field.list<readonly [string, number]>('everything it holds'),
    },
    doc: 'The whole state.',
  },
  'store.value-changed': {
    kind: 'fact',
    id: 3,
    from: 'store',
    to: ['reader', 'mirror'],
    delivery: 'latest',
    key: ['key'],
    maxBytes: 1_024,
    fields: {
      epoch: field.number('incarnation of the store'),
      version: field.number('commits so far'),
      key: field.text('which'),
      value: field.number('what'),
    },
    doc: 'One value changed.',
  },
  'reader.value-seen': {
    kind: 'fact',
    id: 4,
    from: 'reader',
    to: ['auditor'],
    delivery: 'latest',
    key: ['key'],
    maxBytes: 1_024,
    fields: { key: field.text('which'), value: field.number('what') },
    doc: 'What the reader holds for one key.',
  },
} as const satisfies Catalogue

const defineToy = actorsOf<typeof toyCatalogue>()

/** What outlives the store's incarnations. */
export interface Disk {
  readonly values: Map<string, number>
  version: number
}

export const disk = (): Disk => ({ values: new Map(), version: 0 })

export interface StorePorts {
  load(): Promise<{ entries: Entries; version: number }>
  commit(key: string, value: number, version: number): Promise<void>
}

/** A disk that takes its time twice: before the write holds, and before it says so. */
export const simulatedDisk =
  (on: Disk) =>
  (life: Life): StorePorts => ({
    load: async () => {
      await life.delay(1)
      return { entries: [...on.values], version: on.version }
    },
    commit: async (key, value, version) => {
      await life.delay(1)
      if (!life.isAlive()) return
      on.values.set(key, value)
      on.version = version
      await life.delay(1)
    },
  })

export const store = defineToy('store', async (ctx, ports: StorePorts) => {
  const loaded = await ports.load()
  const values = new Map(loaded.entries)
  let version = loaded.version
  const epoch = ctx.incarnation
  const announce = () => ctx.publish('store.all-set', { epoch, version, entries: [...values] })
  announce()
  // One commit at a time, in order: the disk holds what the last one wrote.
  let last: Promise<unknown> = Promise.resolve()
  return {
    receive: {
      'driver.set-value': ({ key, value }) => {
        const commit = last.then(async () => {
          await ports.commit(key, value, version + 1)
          version++
          values.set(key, value)
          ctx.publish('store.value-changed', { epoch, version, key, value })
          return { version }
        })
        last = commit
        return commit
      },
    },
    onPeerStarted: announce,
  }
})

/** What a copy shows to the test. */
export interface Copy {
  epoch: number
  version: number
  values: Map<string, number>
}

export interface CopyPorts {
  show(copy: Copy): void
}

function copyOf(ports: CopyPorts, onChange: (key: string, value: number) => void) {
  const copy: Copy = { epoch: 0, version: -1, values: new Map() }
  ports.show(copy)
  return {
    copy,
    setAll: (message: { epoch: number; version: number; entries: Entries }) => {
      const { epoch, version, entries } = message
      if (epoch < copy.epoch || (epoch === copy.epoch && version < copy.version)) return
      copy.epoch = epoch
      copy.version = version
      copy.values.clear()
      for (const [key, value] of entries) {
        copy.values.set(key, value)
        onChange(key, value)
      }
    },
    change: (message: { epoch: number; version: number; key: string; value: number }) => {
      const { epoch, version, key, value } = message
      if (epoch !== copy.epoch || version <= copy.version) return
      copy.version = version
      copy.values.set(key, value)
      onChange(key, value)
    },
  }
}

export const reader = defineToy('reader', (ctx, ports: CopyPorts) => {
  const say = (key: string, value: number) => ctx.publish('reader.value-seen', { key, value })
  const { copy, setAll, change } = copyOf(ports, say)
  return {
    receive: { 'store.all-set': setAll, 'store.value-changed': change },
    onPeerStarted: () => {
      for (const [key, value] of copy.values) say(key, value)
    },
  }
})

export const mirror = defineToy('mirror', (_ctx, ports: CopyPorts) => {
  const { setAll, change } = copyOf(ports, () => {})
  return { receive: { 'store.all-set': setAll, 'store.value-changed': change } }
})

export const auditor = defineToy(
  'auditor',
  (_ctx, ports: { show(seen: Map<string, number>): void }) => {
    const seen = new Map<string, number>()
    ports.show(seen)
    return { receive: { 'reader.value-seen': ({ key, value }) => void seen.set(key, value) } }
  },
)

export interface DriverPorts {
  /** Called with each value before it is asked for, and with what became of it. */
  onAsk(key: string, value: number): void
  onDone(key: string, outcome: string): void
}

/** Sets up to three random keys in one turn, every 3 ms, until `asks` are spent. */
export const driver = defineToy('driver', (ctx, ports: DriverPorts, config: { asks: number }) => {
  let left = config.asks
  const set = async () => {
    const key = `k${ctx.random.below(5)}`
    const value = ctx.random.below(1_000_000)
    ports.onAsk(key, value)
    const result = await ctx.ask('driver.set-value', { key, value }, 50)
    ports.onDone(key, result.ok ? 'ok' : result.error.code)
  }
  const cancel = ctx.clock.every(3, 1, () => {
    for (let count = 1 + ctx.random.below(3); count > 0 && left > 0; count--, left--) void set()
    if (left === 0) cancel()
  })
  return { receive: {} }
})

/** The whole toy system, with windows into what each actor holds. */
export function toySystem(asks: number) {
  const on = disk()
  const shown: { reader?: Copy; mirror?: Copy; auditor?: Map<string, number> } = {}
  const asked = new Map<string, Set<number>>()
  const outcomes: string[] = []
  const onAsk = (key: string, value: number) =>
    void asked.set(key, (asked.get(key) ?? new Set()).add(value))
  const onDone = (_key: string, outcome: string) => void outcomes.push(outcome)
  const children: WorldChild[] = [
    { name: 'store', actor: store, ports: simulatedDisk(on) },
    {
      name: 'reader',
      actor: reader,
      ports: () => ({ show: (copy: Copy) => Object.assign(shown, { reader: copy }) }),
    },
    {
      name: 'mirror',
      actor: mirror,
      ports: () => ({ show: (copy: Copy) => Object.assign(shown, { mirror: copy }) }),
    },
    {
      name: 'auditor',
      actor: auditor,
      ports: () => ({
        show: (seen: Map<string, number>) => Object.assign(shown, { auditor: seen }),
      }),
    },
    { name: 'driver', actor: driver, ports: () => ({ onAsk, onDone }), config: { asks } },
  ]
  return { children, disk: on, shown, asked, outcomes }
}

/** Nothing is held that was never asked for; a sentence when it is. */
export function phantom(system: ReturnType<typeof toySystem>): string | undefined {
  for (const copy of [system.shown.reader, system.shown.mirror]) {
    for (const [key, value] of copy?.values ?? []) {
      if (!system.asked.get(key)?.has(value)) return `${key}=${value} was never asked for`
    }
  }
  return undefined
}
