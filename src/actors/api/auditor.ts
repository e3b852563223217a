/**
 * Decides what the audit log gets: every change that somebody known asked for, done or not; what
 * the process did itself; and, once a minute, a summary of requests that were turned away.
 *
 * Anybody can be turned away, as often as they like, so those are never recorded one by one.
 */
import { limits } from '../../core/base/limits.ts'
import type { AuditFields, AuditStatus } from '../../core/audit/entry.ts'
import { actionOf } from './audit-names.ts'
import { parseObject } from './body.ts'
import type { ApiCtx } from './context.ts'
import type { AuditPort } from './contract.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { Routed } from './router.ts'

interface Failures {
  readonly address: string
  readonly reason: string
  count: number
}

const OTHERS = 'others'

const statusOf = (routed: Routed): AuditStatus => {
  if (routed.refused !== undefined) return 'denied'
  return routed.answer.status < 400 ? 'success' : 'failure'
}

/** The sentence of a JSON error; undefined for anything else. */
function errorIn({ status, body }: HttpAnswer): string | undefined {
  if (status < 400) return undefined
  const object = parseObject(body as Uint8Array)
  return object.ok && typeof object.value['error'] === 'string' ? object.value['error'] : undefined
}

export class Auditor {
  readonly #ctx: ApiCtx
  readonly #port: AuditPort
  #failures = new Map<string, Failures>()
  #sinceMs = 0
  #summary: (() => void) | undefined

  constructor(ctx: ApiCtx, port: AuditPort) {
    this.#ctx = ctx
    this.#port = port
  }

  /** Records one request where it is one to record; resolves when that is on disk, or failed. */
  async heard(request: HttpRequest, routed: Routed, tookMs: number, id: string): Promise<void> {
    const { route, caller, refused, params = {}, note = {}, answer } = routed
    if (refused !== undefined && caller === undefined)
      return this.#turnedAway(refused.address, refused.cause)
    if (route === undefined || !route.changes || caller === undefined) return
    const named = Object.values(params).join('/')
    const user = request.headers['x-user']
    const error = errorIn(answer)
    const fields: AuditFields = {
      atMs: this.#ctx.clock.nowMs(),
      ...actionOf(route),
      ...((note.resourceId ?? named) === '' ? {} : { resourceId: note.resourceId ?? named }),
      // What a caller by network calls itself is shown as such, beside where it came from.
      actor: caller.kind === 'network' ? (user ?? caller.address) : caller.name,
      actorType: caller.kind,
      actorIp: caller.address,
      status: statusOf(routed),
      details: {
        method: request.method,
        path: request.path,
        ...(request.query === '' ? {} : { query: request.query }),
        http_status: answer.status,
        ...(error === undefined ? {} : { error }),
        ...(user === undefined || caller.kind === 'network' ? {} : { user }),
        ...(note.details === undefined ? {} : { more: note.details }),
      },
      ...('before' in note ? { before: note.before } : {}),
      ...('after' in note ? { after: note.after } : afterOf(request)),
      durationMs: Math.round(tookMs * 1_000) / 1_000,
      requestId: id,
    }
    const outcome = await this.#port.append(fields)
    if (outcome === 'failed')
      this.#ctx.log.error('audit record not on disk yet', { ...actionOf(route), id })
  }

  /** Something the process did by itself. */
  system(action: string, resource: string, details: unknown): void {
    void this.#port.append({
      atMs: this.#ctx.clock.nowMs(),
      action,
      resource,
      actor: 'opengslb',
      actorType: 'system',
      status: 'success',
      details,
    })
  }

  /** Tells what waits to be summarised. */
  flush(): void {
    this.#summary?.()
    this.#summary = undefined
    if (this.#failures.size === 0) return
    const all = [...this.#failures.values()].sort((a, b) => b.count - a.count)
    const told = all.slice(0, limits.accessFailuresTold.default)
    const total = all.reduce((sum, { count }) => sum + count, 0)
    this.#failures = new Map()
    this.system('refused', 'request', {
      since: new Date(this.#sinceMs).toISOString(),
      total,
      clients: told,
      ...(all.length > told.length ? { more_clients: all.length - told.length } : {}),
    })
  }

  #turnedAway(address: string, reason: string): void {
    if (this.#failures.size === 0) {
      this.#sinceMs = this.#ctx.clock.nowMs()
      this.#summary = this.#ctx.clock.after(limits.accessSummaryMs.default, () => this.flush())
    }
    const known = this.#failures.has(`${address} ${reason}`)
    const room = this.#failures.size < limits.accessFailureAddresses.default
    const shown = known || room ? address : OTHERS
    const key = `${shown} ${reason}`
    const failures = this.#failures.get(key) ?? { address: shown, reason, count: 0 }
    failures.count++
    this.#failures.set(key, failures)
  }
}

/** What a change carried, where it carried JSON. */
function afterOf({ method, body }: HttpRequest): { readonly after?: unknown } {
  if (method === 'DELETE' || body.length === 0) return {}
  const object = parseObject(body)
  return object.ok ? { after: object.value } : {}
}
