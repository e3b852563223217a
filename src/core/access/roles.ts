/**
 * Roles and services: what a credential allows.
 *
 * Each role may do what the ones before it may. A credential that names services may change only
 * those, whatever its role; one that names none may change all.
 */
export const roles = ['read', 'operate', 'admin'] as const

export type Role = (typeof roles)[number]

export const includesRole = (held: Role, asked: Role): boolean =>
  roles.indexOf(held) >= roles.indexOf(asked)

/** What a token or certificate gives its holder. */
export interface Grant {
  /** For the log and the audit trail; unique among those of its kind. */
  readonly name: string
  readonly role: Role
  /** Lower case, without a final dot; `*.example.com` is everything under it. Absent means all. */
  readonly services?: readonly string[]
}

/** Names compare without regard to case or a final dot (RFC 4343 section 3). */
const plain = (service: string): string => service.toLowerCase().replace(/\.$/, '')

export function coversService(services: readonly string[] | undefined, service: string): boolean {
  if (services === undefined) return true
  const name = plain(service)
  return services.some((pattern) =>
    pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === plain(pattern),
  )
}
