// Goal: each metric of learned latency follows what it is said to count, also what happens too
// rarely to be brought about from outside: evictions, pruning, a table made anew.
import { expect, test } from 'vitest'
import { agentMetrics, overwatchMetrics } from '../../../../src/actors/latency/metrics.ts'
import { fakeMetrics } from '../../../harness/fake-metrics.ts'

test('an agent counts samples, polls, faults, reports and what becomes of its networks', () => {
  const metrics = fakeMetrics()
  const levels = { tracked: 7, evicted: 2, pruned: 3 }
  const counts = agentMetrics(metrics, () => levels)
  counts.rtt(0.04, 5)
  counts.polled(0.002)
  counts.dropped()
  counts.reported()
  counts.errors('capability')
  for (const [name, value] of [
    ['opengslb_agent_latency_observations_total', 5],
    ['opengslb_agent_latency_observations_dropped_total', 1],
    ['opengslb_agent_latency_reports_sent_total', 1],
    ['opengslb_agent_latency_subnets_tracked', 7],
    ['opengslb_agent_latency_subnets_evicted_total', 2],
    ['opengslb_agent_latency_subnets_pruned_total', 3],
  ] as const)
    expect(metrics.value(name), name).toBe(value)
  const errors = 'opengslb_agent_latency_collector_errors_total'
  expect(metrics.value(errors, { type: 'capability' })).toBe(1)
  expect(metrics.observed('opengslb_agent_latency_rtt_seconds')).toEqual([0.04])
  expect(metrics.observed('opengslb_agent_latency_poll_duration_seconds')).toEqual([0.002])
  Object.assign(levels, { evicted: 1 })
  // A table that was made anew begins at nothing; the counter never falls.
  expect(metrics.value('opengslb_agent_latency_subnets_evicted_total')).toBe(3)
})

test('an overwatch counts reports, refused rows and what becomes of its table', () => {
  const metrics = fakeMetrics()
  const behind = { resolvers: 8, networksBehind: 12.5 }
  const levels = { entries: 4, rows: 9, evicted: 1, pruned: 2, changes: 3, ...behind }
  const counts = overwatchMetrics(metrics, () => levels)
  counts.reports += 6
  counts.refused += 5
  for (const [name, value] of [
    ['opengslb_overwatch_latency_table_entries_total', 4],
    ['opengslb_overwatch_latency_rows', 9],
    ['opengslb_overwatch_latency_entries_evicted_total', 1],
    ['opengslb_overwatch_latency_entries_pruned_total', 2],
    ['opengslb_overwatch_latency_reports_received_total', 6],
    ['opengslb_overwatch_latency_rows_refused_total', 5],
    ['opengslb_overwatch_latency_changes_total', 3],
    ['opengslb_overwatch_latency_resolvers', 8],
    ['opengslb_overwatch_latency_catchment_networks', 12.5],
  ] as const)
    expect(metrics.value(name), name).toBe(value)
})
