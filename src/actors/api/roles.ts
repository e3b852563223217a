/**
 * The least role a route asks for where it does not say so itself.
 *
 * Looking is `read`. What an operator does in an outage (overrides, drains, checks) is `operate`.
 * Whatever else changes something is `admin`, so a route that is forgotten here is kept from too
 * many, not from too few.
 */
import type { Role } from '../../core/access/roles.ts'

const OPERATE = [
  /^\/api\/v1\/overrides(\/|$)/,
  /^\/api\/v1\/drains(\/|$)/,
  /^\/api\/v1\/overwatch\/backends\/.*\/override$/,
  /^\/api\/v1\/overwatch\/validate$/,
]

export function roleFor(pattern: string, changes: boolean): Role {
  if (!changes) return 'read'
  return OPERATE.some((one) => one.test(pattern)) ? 'operate' : 'admin'
}
