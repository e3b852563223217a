/**
 * The vitals actor's configuration, out of the keys of an agent.
 */
import type { PredictRules, SignalRule } from '../../core/health/predict.ts'
import type { Config } from '../../core/config/schema/root.ts'
import type { ErrorSource, VitalsConfig } from './contract.ts'

type Keys = Config['agent']['predictive']

export function predictRules(keys: Keys): PredictRules {
  const rule = (one: Keys['cpu']): SignalRule => ({
    // No percentage reaches it: what is measured is told and moves nothing here.
    threshold: keys.report_only ? Number.MAX_VALUE : one.threshold,
    windowMs: one.window,
    bleedMs: one.bleed_duration,
  })
  return {
    cpu: rule(keys.cpu),
    memory: rule(keys.memory),
    errors: rule(keys.error_rate),
    hysteresisShare: keys.hysteresis / 100,
    intervalMs: keys.check_interval,
  }
}

function errorSourceOf({ source }: Keys['error_rate']): ErrorSource | undefined {
  const { url, log, errors, total } = source
  if (url !== '') return { kind: 'metrics', url, errors, total }
  return log === '' ? undefined : { kind: 'log', path: log, errors, total }
}

/** What the agent's configuration does not hold: who it is, and what it shares with its prober. */
export type VitalsOwn = Pick<VitalsConfig, 'agentId' | 'backends' | 'drainStatePath' | 'checkMarks'>

export function vitalsConfigOf(keys: Config['agent'], own: VitalsOwn): VitalsConfig {
  const { predictive } = keys
  const errorSource = errorSourceOf(predictive.error_rate)
  return {
    ...own,
    drainFile: keys.drain_file,
    countClients: keys.count_clients,
    ...(predictive.enabled ? { predictive: predictRules(predictive) } : {}),
    ...(predictive.cgroup === '' ? {} : { cgroup: predictive.cgroup }),
    ...(errorSource === undefined ? {} : { errorSource }),
  }
}
