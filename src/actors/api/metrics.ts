/**
 * Series of the `api` actor: what runs, and how the API is used.
 */
import type { Metrics } from '../../kernel/metrics.ts'
import type { Refusal } from './caller.ts'
import type { ApiConfig, AuditState } from './contract.ts'

/** RFC 9110 section 9.3; any other method is counted together, for labels must be bounded. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function apiMetrics(metrics: Metrics, config: ApiConfig) {
  const appInfo = metrics.gauge({
    name: 'opengslb_app_info',
    help: 'Always 1; the version is the label.',
    labels: ['version'],
  })
  const mode = metrics.gauge({
    name: 'opengslb_runtime_mode',
    help: '0 for an agent, 1 for an overwatch.',
  })
  const modeInfo = metrics.gauge({
    name: 'opengslb_runtime_mode_info',
    help: 'Always 1; mode, node and region are the labels.',
    labels: ['mode', 'node_id', 'region'],
  })
  const requests = metrics.counter({
    name: 'opengslb_api_requests_total',
    help: 'Requests to the HTTP API, by route pattern.',
    labels: ['route', 'method', 'status'],
  })
  const refusals = metrics.counter({
    name: 'opengslb_api_refused_total',
    help: 'Requests to the HTTP API that were turned away, by what turned them away.',
    labels: ['cause'],
  })
  const written = metrics.gauge({
    name: 'opengslb_api_audit_records',
    help: 'Number of the newest record of the audit log.',
  })
  const failures = metrics.gauge({
    name: 'opengslb_api_audit_write_failures',
    help: 'Writes of the audit log that failed since the start.',
  })
  const intact = metrics.gauge({
    name: 'opengslb_api_audit_intact',
    help: '1 when the chain of the audit log held at the start, 0 when it did not.',
  })
  appInfo.set(1, { version: config.version })
  mode.set(config.mode === 'agent' ? 0 : 1)
  modeInfo.set(1, { mode: config.mode, node_id: config.nodeId, region: config.region })

  return {
    counted: (route: string, method: string, status: number) =>
      requests.add(1, {
        route,
        method: METHODS.has(method) ? method : 'other',
        status: String(status),
      }),
    refused: (cause: Refusal) => refusals.add(1, { cause }),
    audited: ({ seq, failedWrites }: AuditState) => {
      written.set(seq)
      failures.set(failedWrites)
    },
    auditChain: (chain: AuditState['chain']) => intact.set(chain === 'broken' ? 0 : 1),
  }
}
