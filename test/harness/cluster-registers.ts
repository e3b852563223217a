/**
 * Orders as registers: where each lies in the store, what it says there, and the calls of the API
 * that write and clear it.
 */
import { keyOfRecord } from '../../src/core/cluster/records.ts'
import { entryOfRecord, SHARED_EDIT } from '../../src/core/config/overlay/shared.ts'
import type { SharedRecord } from '../../src/core/gossip/peers/record.ts'
import { overrideEvent, parseDrainOrder } from '../../src/core/health/shared-bodies.ts'

export interface Call {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  /** After `/api/v1`. */
  readonly path: string
  readonly body?: object
}

export interface Register {
  readonly name: string
  /** Its key in the store. */
  readonly place: string
  /** Empty where it is cleared. */
  valueOf(record: SharedRecord): string
  write(value: string): Call
  /** By what the store says of it; undefined where there is nothing to clear. */
  clear(record: SharedRecord | undefined): Call | undefined
}

export function overrideOf(service: string, address: string): Register {
  const path = `/overwatch/backends/${service}/${address}/80/override`
  const id = `${service}:${address}:80`
  return {
    ...{ name: `override of ${address}`, place: keyOfRecord({ kind: 'override', id }) },
    valueOf: (record) => {
      const event = overrideEvent(record)
      return event?.kind === 'override-set' ? event.reason : ''
    },
    write: (reason) => ({ method: 'POST', path, body: { healthy: true, reason } }),
    clear: () => ({ method: 'DELETE', path }),
  }
}

export function drainOf(service: string, address: string): Register {
  const id = `${service}:${address}:80`
  const named = { service, address, force: true }
  return {
    ...{ name: `drain of ${address}`, place: keyOfRecord({ kind: 'drain', id }) },
    valueOf: ({ body }) => parseDrainOrder(body)?.reason ?? '',
    write: (reason) => ({ method: 'POST', path: '/drains', body: { ...named, reason } }),
    clear: (record) => {
      const order = record && parseDrainOrder(record.body)
      return order && { method: 'DELETE', path: `/drains/${encodeURIComponent(order.id)}` }
    },
  }
}

/** What is told of a domain that the API made; never cleared. */
export function domainOf(domain: string): Register {
  const place = keyOfRecord({ kind: SHARED_EDIT, id: `domain/${domain}` })
  return {
    ...{ name: `edit of ${domain}`, place },
    valueOf: (record) => String(entryOfRecord(record, true)?.notes['description'] ?? ''),
    write: (description) => ({ method: 'PUT', path: `/domains/${domain}`, body: { description } }),
    clear: () => undefined,
  }
}
