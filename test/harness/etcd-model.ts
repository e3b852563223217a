/**
 * The store of etcd in memory, as far as records, leases and watches go, behind the same gateway.
 *
 * It can lose answers, refuse everything (no quorum), break its watches and compact its history.
 */
import { bytesOf, paths } from '../../src/core/cluster/gateway.ts'
import type { CallOutcome, Gateway } from '../../src/actors/cluster/contract.ts'

interface Row {
  value: string
  create: number
  mod: number
  lease: string
}

type Json = Readonly<Record<string, unknown>>

const named = (key: unknown) => new TextDecoder().decode(bytesOf(String(key)) ?? new Uint8Array())

interface Change {
  readonly revision: number
  readonly event: Json
  readonly key: string
}

/** No key begins with it. */
const NOBODY = '-'

interface Watcher {
  readonly prefix: string
  readonly line: (text: string) => void
  readonly ended: (why: string) => void
}

export class EtcdModel {
  readonly rows = new Map<string, Row>()
  readonly calls: string[] = []
  revision = 1
  hasQuorum = true
  /** Answers that are lost after the work was done; those of one path where it is named. */
  losesAnswers = 0
  losesOnly = ''
  /** What a new watch missed is told late, and not at all where the watch breaks before. */
  isLate = false
  #compacted = 0
  #leases = 0
  readonly #alive = new Set<string>()
  readonly #history: Change[] = []
  readonly #watchers = new Set<Watcher>()

  gateway(): Gateway {
    return {
      call: async (path, body) => {
        this.calls.push(path)
        if (!this.hasQuorum) return { code: 'timed-out', message: 'no quorum' }
        const answer = this.#answer(path, body as Json)
        if (this.losesAnswers > 0 && path.startsWith(this.losesOnly)) {
          this.losesAnswers--
          return { code: 'timed-out', message: 'lost' }
        }
        return { code: 'answered', answer } satisfies CallOutcome
      },
      watch: (body, line, ended) => {
        const request = (body as { create_request: Json }).create_request
        const from = Number(request['start_revision'])
        const isCompacted = from <= this.#compacted
        const prefix = isCompacted ? NOBODY : named(request['key'])
        const watcher: Watcher = { prefix, line, ended }
        this.#watchers.add(watcher)
        this.#say(watcher, { created: true })
        if (isCompacted) {
          const said = { canceled: true, compact_revision: String(this.#compacted) }
          // The stream stays open, and nothing more comes of it.
          queueMicrotask(() => {
            if (this.#watchers.has(watcher)) this.#say(watcher, said)
          })
        } else if (!this.isLate)
          for (const change of this.#history)
            if (change.revision >= from) this.#tell(watcher, change)
        return () => void this.#watchers.delete(watcher)
      },
      close: () => {},
    }
  }

  /** How many are open. */
  get watches(): number {
    return this.#watchers.size
  }

  /** Ends every watch, as when the member of a node goes. */
  breakWatches(): void {
    const all = [...this.#watchers]
    this.#watchers.clear()
    for (const { ended } of all) ended('broken')
  }

  /** Another store in its place, without anything in it. */
  replace(): void {
    this.rows.clear()
    this.#alive.clear()
    this.#history.length = 0
    this.revision = 1
    this.breakWatches()
  }

  compact(): void {
    this.#compacted = this.revision
    this.#history.length = 0
  }

  /** A lease runs out, and its keys with it. */
  expire(lease: string): void {
    this.#alive.delete(lease)
    for (const [key, row] of this.rows) if (row.lease === lease) this.#delete(key)
  }

  put(key: string, value: string, lease = ''): void {
    this.revision++
    const create = this.rows.get(key)?.create ?? this.revision
    const row = { value, create, mod: this.revision, lease }
    this.rows.set(key, row)
    this.#note(key, { kv: this.#kv(key, row) })
  }

  #delete(key: string): void {
    if (!this.rows.delete(key)) return
    this.revision++
    this.#note(key, { type: 'DELETE', kv: { key: btoa(key), mod_revision: `${this.revision}` } })
  }

  #answer(path: string, body: Json): Json {
    const header = { member_id: '1', revision: String(this.revision), raft_term: '2' }
    switch (path) {
      case paths.range:
        return { header, ...this.#range(body) }
      case paths.put:
        this.put(named(body['key']), String(body['value']), String(body['lease'] ?? ''))
        return { header }
      case paths.txn:
        return this.#transact(body)
      case paths.grant: {
        const id = String(++this.#leases)
        this.#alive.add(id)
        return { ID: id, TTL: String(body['TTL']) }
      }
      case paths.keepAlive: {
        const id = String(body['ID'])
        return { result: this.#alive.has(id) ? { ID: id, TTL: '2' } : { ID: id } }
      }
      case paths.revoke:
        this.expire(String(body['ID']))
        return { header }
      default:
        return { header }
    }
  }

  #range(body: Json): Json {
    const from = named(body['key'])
    const end = body['range_end'] === undefined ? undefined : named(body['range_end'])
    const keys = [...this.rows.keys()].sort()
    const found = keys.filter((key) =>
      end === undefined ? key === from : key >= from && key < end,
    )
    const limit = Number(body['limit'] ?? found.length)
    return {
      kvs: found.slice(0, limit).map((key) => this.#kv(key, this.rows.get(key)!)),
      ...(found.length > limit ? { more: true } : {}),
    }
  }

  #transact(body: Json): Json {
    const holds = (body['compare'] as Json[]).every((one) => {
      const row = this.rows.get(named(one['key']))
      if (one['target'] === 'MOD') return String(row?.mod ?? 0) === one['mod_revision']
      return String(row?.create ?? 0) === one['create_revision']
    })
    const branch = ((holds ? body['success'] : body['failure']) ?? []) as Json[]
    const responses = branch.map((one) => {
      const put = one['request_put'] as Json | undefined
      const range = one['request_range'] as Json | undefined
      const gone = one['request_delete_range'] as Json | undefined
      if (put !== undefined)
        this.put(named(put['key']), String(put['value']), String(put['lease'] ?? ''))
      if (gone !== undefined) this.#delete(named(gone['key']))
      return range === undefined ? {} : { response_range: this.#range(range) }
    })
    const header = { member_id: '1', revision: String(this.revision), raft_term: '2' }
    return { header, ...(holds ? { succeeded: true } : {}), responses }
  }

  #kv(key: string, { value, create, mod, lease }: Row): Json {
    const revisions = { create_revision: String(create), mod_revision: String(mod) }
    return { key: btoa(key), value, ...revisions, ...(lease === '' ? {} : { lease }) }
  }

  #note(key: string, event: Json): void {
    const change = { revision: this.revision, event, key }
    this.#history.push(change)
    for (const watcher of this.#watchers) this.#tell(watcher, change)
  }

  #tell(watcher: Watcher, { event, key }: Change): void {
    if (key.startsWith(watcher.prefix)) this.#say(watcher, { events: [event] })
  }

  /** A line; its header is of the store, whatever it tells of. */
  #say({ line }: Watcher, said: Json): void {
    line(JSON.stringify({ result: { header: { revision: String(this.revision) }, ...said } }))
  }
}
