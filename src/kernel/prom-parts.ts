/**
 * The parts of prom-client that are used, taken one by one.
 *
 * Its main module also loads its push gateway and its process metrics, and with those a whole
 * tracing API: 40 ms of CPU in each thread, most of a thread's start, before the first answer.
 * The process metrics are loaded when they are asked for, on the main thread only.
 */
import { createRequire } from 'node:module'
import type * as prom from 'prom-client'

const require = createRequire(import.meta.url)
const part = <Name extends keyof typeof prom>(file: string) =>
  require(`prom-client/lib/${file}`) as (typeof prom)[Name]

export const Registry = part<'Registry'>('registry')
export const AggregatorRegistry = part<'AggregatorRegistry'>('cluster')
export const PromCounter = part<'Counter'>('counter')
export const PromGauge = part<'Gauge'>('gauge')

export const loadDefaultMetrics = () => part<'collectDefaultMetrics'>('defaultMetrics')
