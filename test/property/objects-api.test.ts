// Goal: no request on domains, servers, regions, settings or overrides can make the API fail: every
// answer is a success or says what is wrong, and the registry lives on.
// Method: random paths and JSON bodies, half of them close to good ones, against a real registry.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { objectsWorld } from '../unit/actors/api/objects-world.ts'

const NAMES = [
  'app.example.com',
  'new.example.com',
  '*.example.com',
  '__proto__',
  'a b',
  'x'.repeat(300),
]
const IDS = ['app.example.com:192.0.2.1:80', 'new.example.com:::1:80', 'nope', ':::', 'a:b:c:d:0']
const PATHS = [
  ...['/domains', '/servers', '/regions', '/config/diff', '/config/dns', '/config/health-check'],
  ...['/config/logging', '/config/x', '/overrides', '/overwatch/overrides'],
  ...NAMES.flatMap((name) => [`/domains/${name}`, `/regions/${name}`, `/domains/${name}/backends`]),
  ...IDS.flatMap((id) => [
    `/servers/${id}`,
    `/servers/${id}/health-check`,
    `/domains/x/backends/${id}`,
  ]),
  '/overrides/app.example.com/192.0.2.1',
]
const FIELDS = [
  ...['name', 'service', 'address', 'port', 'region', 'weight', 'enabled', 'ttl', 'routing_policy'],
  ...['regions', 'answers', 'when_all_down', 'fallback_addresses', 'tags', 'description', 'code'],
  ...['countries', 'continents', 'continent', 'health_check', 'interval', 'type', 'level', 'force'],
  ...['default_ttl', 'healthy', 'source', 'expires_in', 'metadata', '__proto__', 'constructor'],
]
/** Each item is short enough, and all together are not. */
const LONG = Array.from({ length: 1_000 }, () => 'é'.repeat(400))
const value = fc.oneof(
  fc.constantFrom('us', 'eu', 'app.example.com', '192.0.2.7', 80, 5, true, false, null, '5s', 'rr'),
  fc.constantFrom(
    LONG,
    ['us'],
    [],
    {},
    { type: 'tcp', interval: 5 },
    1e300,
    -1,
    '',
    'x'.repeat(9_000),
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
const body = fc.oneof(
  { weight: 6, arbitrary: fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 6 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.string() },
)
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'),
  path: fc.constantFrom(...PATHS),
  query: fc.constantFrom('', '?limit=1', '?limit=-1', '?force=true', '?offset=x&healthy=maybe'),
  body,
  tag: fc.constantFrom(undefined, '*', '"r0"', '"r1-00000000"', 'junk'),
})

test('whatever is sent, nothing fails and nothing hangs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (script) => {
      const world = await objectsWorld()
      for (const { method, path, query, body: sent, tag } of script) {
        const target = path.split('/').map(encodeURIComponent).join('/')
        const headers: Record<string, string> = tag === undefined ? {} : { 'if-match': tag }
        const answer = await world.call(method, `${target}${query}`, sent, { headers })
        expect([answer.status, answer.text]).not.toEqual([
          expect.toSatisfy((s) => s >= 500),
          answer.text,
        ])
        if (answer.status >= 400) expect(answer.json.error).toMatch(/\S/)
      }
      expect((await world.call('GET', '/servers')).status).toBe(200)
    }),
    { numRuns: 60 },
  )
}, 60_000)
