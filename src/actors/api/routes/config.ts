/**
 * How this node is set up, in the shapes of the original: what holds now, whatever file says so.
 */
import type { Context } from '../context.ts'
import { type HttpAnswer, json, refuse, timestamp } from '../http.ts'
import { type Route, route } from '../router.ts'
import { settingsShown, toldOf } from './settings.ts'
import { settingsSchemas as schemas } from '../schemas/settings.ts'

const BASE = '/api/v1/config'

export function configRoutes(context: Context): Route[] {
  const part = async (
    key: 'dns' | 'healthCheck' | 'logging',
    id: 'dns' | 'health_check' | 'logging',
  ): Promise<HttpAnswer> => {
    const told = context.config().settings?.[key]
    if (told === undefined) return refuse(404, 'not found: this node answers no DNS')
    // What the API has set holds over the file.
    return json(200, { config: { ...toldOf(context, id), ...(await settingsShown(context, id)) } })
  }
  return [
    route(
      'GET',
      `${BASE}/system`,
      'Version, mode and name',
      () => json(200, { config: systemOf(context) }),
      { schema: schemas.system },
    ),
    route('GET', `${BASE}/dns`, 'How DNS is answered', () => part('dns', 'dns'), {
      schema: schemas.dns,
    }),
    route(
      'GET',
      `${BASE}/health-check`,
      'How servers are checked',
      () => part('healthCheck', 'health_check'),
      {
        schema: schemas.healthCheck,
      },
    ),
    route('GET', `${BASE}/logging`, 'What is logged, and where', () => part('logging', 'logging'), {
      schema: schemas.logging,
    }),
  ]
}

export function systemOf({ config, ports }: Context) {
  const { version, mode, nodeId, region, settings, startedAtMs } = config()
  return {
    version,
    build_info: {
      version,
      // A build carries neither; clients of the original read the keys.
      git_commit: '',
      build_date: '',
      go_version: 'n/a',
      node_version: ports.nodeVersion,
    },
    mode,
    node_id: nodeId,
    node_name: nodeId,
    region,
    features: settings?.features ?? [],
    start_time: timestamp(startedAtMs),
  }
}
