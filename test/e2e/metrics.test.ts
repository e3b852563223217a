// Goal: every metric operators know moves when its event happens, driven from outside: a packet, a
// request, a frame of gossip, a signal, a file. Two overwatches and their agents run as processes;
// a row (test/harness/metric-rows.ts) names an event and what it must move, names that mean the
// same in one breath.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { knownNames, type Scrape, sumOf } from '../harness/metric-names.ts'
import { close, facts, type Move, type Row, rows } from '../harness/metric-rows.ts'
import { begin, end, one, ports, scrape, seen } from '../harness/metrics-world.ts'
import { until } from '../harness/program.ts'
import { expressions, labelsIn, metricsIn } from '../harness/promql.ts'
import { root } from '../harness/source.ts'
import { has, output } from '../harness/tools.ts'

const geo = 'test/e2e/geo.test.ts'
const learning = 'test/unit/actors/latency/metrics.test.ts'
const cluster = 'test/e2e/cluster.test.ts'
const learned = (names: string) =>
  Object.fromEntries(names.split(' ').map((name) => [name, learning] as const))
const clustered = (names: string) =>
  Object.fromEntries(names.split(' ').map((name) => [`cluster_${name}`, cluster] as const))
const times = 'test/unit/actors/registry-times.test.ts'
const routed = 'test/unit/actors/dns-routed.test.ts'
const signer = 'test/unit/actors/signer/metrics.test.ts'
const signing = (names: string) =>
  Object.fromEntries(names.split(' ').map((name) => [name, signer] as const))
/** Too brief to be seen from outside, or of a world of their own: the test that sees them. */
const elsewhere: Readonly<Record<string, string>> = {
  ...{ routing_geo_decisions_total: geo, geo_routing_decision: geo },
  ...{ routing_geo_fallback_total: geo, geo_fallback: geo },
  ...{ routing_geo_custom_hits_total: geo, geo_custom_mapping_hit: geo },
  ...{ geoip_database_timestamp: geo, geoip_database_age_seconds: geo },
  ...learned('agent_latency_observations_total agent_latency_observations_dropped_total'),
  ...learned('agent_latency_subnets_pruned_total agent_latency_subnets_evicted_total'),
  ...learned('agent_latency_reports_sent_total agent_latency_rtt_seconds'),
  ...learned('agent_latency_subnets_tracked agent_latency_poll_duration_seconds'),
  ...learned('agent_latency_collector_errors_total overwatch_latency_table_entries_total'),
  ...learned('overwatch_latency_entries_evicted_total overwatch_latency_entries_pruned_total'),
  ...learned('overwatch_latency_reports_received_total'),
  ...clustered('is_leader state leader_changes_total members raft_state members_total'),
  ...clustered('healthy_members elections_total last_election_timestamp'),
  ...{ backend_smoothed_latency_ms: times, backend_latency_samples: times },
  ...{ routing_latency_selected_ms: times, latency_rejection: times },
  routing_latency_rejected_total: times,
  ...{ routing_latency_fallback_total: routed, latency_routing_decision: routed },
  overwatch_latency_routing_hits_total: routed,
  gossip_queue_depth: 'test/unit/actors/gossip/queue-metrics.test.ts',
  ...signing('dnssec_signing_operations_total dnssec_keys_imported_total dnssec_managed_zones'),
  ...signing('dnssec_enabled dnssec_signing_latency_seconds dnssec_key_age_seconds'),
  ...signing('dnssec_key_age_by_zone_seconds dnssec_signatures_total dnssec_key_age'),
  ...signing('dnssec_key_sync_success_total dnssec_key_sync_failures_total'),
  ...signing('dnssec_last_sync_timestamp dnssec_sync_success'),
}

const namesOf = (move: Move) => move[0].split(' ')
const movesOf = ({ moves, also }: Row) => [...moves, ...(also?.moves ?? [])]

describe('the names operators know', () => {
  test('each is driven here, a fact, or seen elsewhere', () => {
    const driven = rows.flatMap((row) => movesOf(row).flatMap(namesOf))
    const there = new Set([...driven, ...facts.map(([name]) => name), ...Object.keys(elsewhere)])
    expect(knownNames.filter((name) => !there.has(name))).toEqual([])
    for (const [name, file] of Object.entries(elsewhere))
      expect(readFileSync(join(root, file), 'utf8')).toContain(`opengslb_${name}`)
  })
})

describe.runIf(has('curl'))('metrics move with their events', () => {
  beforeAll(begin, 40_000)

  afterAll(async () => {
    close()
    await end()
  })

  for (const row of rows)
    test(`${row.event}: ${movesOf(row).flatMap(namesOf).join(', ')}`, async () => {
      const parts = [row, ...(row.also === undefined ? [] : [row.also])]
      await row.ready?.()
      const before = await Promise.all(
        parts.map(({ node }) => (row.isNew ? new Map() : seen(node))),
      )
      await row.drive()
      // A move may be over before another begins, so each counts once it was seen.
      const due = new Map(
        parts.flatMap(({ moves }, at) => moves.map((move) => [move, at] as const)),
      )
      let left: string[] = []
      const holds = async () => {
        const now = await Promise.all(parts.map(({ node }) => seen(node)))
        left = [...due].flatMap(([move, at]) => {
          const faults = faultOf(before[at]!, now[at]!, move)
          if (faults.length === 0) due.delete(move)
          return faults
        })
        return due.size === 0
      }
      await until(row.event, holds, row.limitMs ?? 10_000).catch(() => {})
      expect(left).toEqual([])
    }, 60_000)

  test('facts are told from the start', async () => {
    for (const [name, node, value, labels] of facts)
      expect(sumOf(await scrape(node), name, labels), name).toBe(value)
  })

  test('dashboards and alerts use labels that the metrics have', async () => {
    const there = new Map([...(await scrape('agent')), ...(await scrape('overwatch'))])
    const faults = expressions().flatMap(({ where, text, shown }) => {
      const families = metricsIn(text).map((name) => there.get(name) ?? [])
      // What has no series at this moment shows no labels.
      if (families.length === 0 || families.some((series) => series.length === 0)) return []
      const known = families.flat().flatMap(({ labels }) => Object.keys(labels))
      const labels = new Set([...known, 'job', 'instance', 'le'])
      return [...labelsIn(text), ...shown]
        .filter((label) => !labels.has(label))
        .map((label) => `${where}: ${label}`)
    })
    expect(faults).toEqual([])
  })

  test.runIf(has('promtool'))(
    'promtool finds nothing to say but of the names themselves',
    async () => {
      const text = await (await fetch(`http://127.0.0.1:${ports.overwatch}/metrics`)).text()
      const file = join(one('overwatch').folder, 'metrics.txt')
      writeFileSync(file, text)
      const said = await output('sh', ['-c', `promtool check metrics < ${file} 2>&1`])
      const faults = said.split('\n').filter((line) => line !== '' && !NAMES_OF_OLD.test(line))
      expect(faults).toEqual([])
    },
  )
})

/** Names of earlier generations that its rules of style would have otherwise. */
const NAMES_OF_OLD =
  /non-counter metrics should not have "_total" suffix|agent_certificate_expiry_days use/

function faultOf(before: Scrape, now: Scrape, [names, way, labels]: Move): string[] {
  const [first = '', ...aliases] = names.split(' ')
  const was = sumOf(before, first, labels)
  const is = sumOf(now, first, labels)
  const moved = is !== undefined && (way === 'up' ? is > (was ?? 0) : is < (was ?? 0))
  const text = `${first} ${JSON.stringify(labels ?? {})} went from ${was} to ${is}, not ${way}`
  const apart = aliases
    .filter((alias) => sumOf(now, alias, labels) !== is)
    .map((alias) => `${alias} is ${sumOf(now, alias, labels)} where ${first} is ${is}`)
  return [...(moved ? [] : [text]), ...apart]
}
