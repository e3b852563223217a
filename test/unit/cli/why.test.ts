/** What `explain` prints of an answer, of an API that says so. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { cli } from './run.ts'

const explanation = {
  ...{ name: 'app.example.com', type: 'A', client: '198.51.100.7', at: 'now', source: 'asked' },
  ...{ epoch: 1, version: 2, turn: 3, outcome: 'answer', policy: 'composed', ttl: 30 },
  ...{ answers: ['192.0.2.1'], candidates: [] },
  policy_steps: [
    { path: 'policy.geofence[0]', reason: 'for a client of region west', removed: ['x'], left: 2 },
    { path: 'policy.geofence[0]', reason: 'chosen by learned_latency', removed: [], left: 2 },
  ],
}
const geography = {
  ...{ match: 'geoip', country: 'DE', continent: 'EU' },
  steps: [
    { region: 'west', outcome: 'answers' },
    { region: 'east', outcome: 'further' },
    { region: 'elsewhere', outcome: 'no-servers' },
  ],
}
const learned = {
  ...{ method: 'learned', exploring: true, rows: 'app [east west]' },
  ...{ source: 'network', network: '198.51.100.0/24' },
  steps: [
    { region: 'east', share: 1_000, outcome: 'answers' },
    { region: 'west', share: 0, outcome: 'further' },
  ],
  data: [
    { region: 'west', expected_ms: 89.24, deviation_ms: 1.28 },
    { region: 'east', expected_ms: 20.13, deviation_ms: 0.83, measured_ms: 10 },
  ],
}

/** The lines behind the one of the algorithm. */
async function explained(more: object): Promise<string[]> {
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ ...explanation, ...more })),
  )
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { out } = await cli(['--api', url, 'explain', 'app.example.com', '198.51.100.7'])
  server.close()
  const lines = out.split('\n')
  return lines.slice(lines.indexOf('algorithm composed, ttl 30') + 1)
}

const steps = [
  '  policy.geofence[0]: for a client of region west; removed x; 2 left',
  '  policy.geofence[0]: chosen by learned_latency; 2 left',
]

test('explain tells the steps of a policy, and what was learned for its last one', async () => {
  expect(await explained({ learned, geography })).toEqual([
    ...steps,
    '  learned latency: learned (network 198.51.100.0/24, rows of app [east west], exploring)',
    '    east: answers (20.13 ms expected, deviation 0.83 ms, 10 ms measured)',
    '    west: further (89.24 ms expected, deviation 1.28 ms)',
  ])
})

test('where nothing was learned explain tells by what the client was placed', async () => {
  const fallback = { method: 'geo_fallback', exploring: false, steps: [] }
  expect(await explained({ learned: fallback, geography })).toEqual([
    ...steps,
    '  learned latency: geo_fallback',
    '  geography: geoip (DE, EU)',
    '    west: answers',
    '    east: further',
  ])
})

test('regions that share tell their part of the turns', async () => {
  const shared = [{ region: 'east', share: 625, outcome: 'shares' }]
  const { rows: _, ...plain } = learned
  const said = await explained({ learned: { ...plain, data: [], steps: shared } })
  expect(said.at(-1)).toBe('    east: shares (62.5 % of turns)')
})
