/**
 * What the audit log calls a request: an action and a resource, from its method and its route.
 */
import type { Route } from './router.ts'

export interface ActionName {
  readonly action: string
  readonly resource: string
}

/** Last words of a path that say what is done, not to what. */
const VERBS = new Set([
  ...[
    'revoke',
    'validate',
    'sync',
    'rotate',
    'retire',
    'generate-key',
    'import',
    'reload',
    'test',
    'rollover',
  ],
])

const ACTIONS: Readonly<Record<Route['method'], string>> = {
  GET: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

const singular = (word: string): string =>
  word.endsWith('ies') ? `${word.slice(0, -3)}y` : word.replace(/([^s])s$/, '$1')

/** `POST /api/v1/overwatch/agents/{id}/revoke` is `revoke` of `agent`. */
export function actionOf({ method, pattern }: Pick<Route, 'method' | 'pattern'>): ActionName {
  const words = pattern.split('/').filter((word) => word !== '' && !word.startsWith('{'))
  const own = words.slice(words[1] === 'v1' ? 2 : 1)
  const last = own.at(-1) ?? 'api'
  // Sections of the configuration keep their names: `config/dns`.
  if (own[0] === 'config') return { action: ACTIONS[method], resource: own.join('/') }
  if (!VERBS.has(last)) return { action: ACTIONS[method], resource: singular(last) }
  const noun = own.at(-2) ?? 'api'
  // Checks of the whole node are of its backends.
  return { action: last, resource: noun === 'overwatch' ? 'backend' : singular(noun) }
}
