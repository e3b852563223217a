// Goal: the text kept of a configuration has no secrets, loads by itself, and serves the same.
// Method: configurations with secrets everywhere they may stand, zone files and includes.
import { describe, expect, test } from 'vitest'
import { textFiles } from '../../../../src/core/config/files.ts'
import { loadConfig } from '../../../../src/core/config/load.ts'
import { loaded } from './load-text.ts'

const SECRET = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAxMjM='
const FILES = {
  'main.yaml': `
includes: [more/*.yaml]
dns:
  default_ttl: \${TTL}
  cookies: { secret: 00112233445566778899aabbccddeeff }
  zones: [{ name: example.com, file: zones/a.zone }]
overwatch: { gossip: { encryption_key: "${SECRET}" }, agent_tokens: { app: token-token-token-1 } }
api: { auth: { tokens: [another-token-of-operators] } }
regions:
  - name: r
    health_check: { type: http, path: "/health?key=hush-hush" }
    servers:
      - { address: 192.0.2.1, service: app.example.com, weight: 7, health_check: { path: /hush-hush } }
domains: [{ name: app.example.com, regions: [r, s] }]
`,
  'more/b.yaml':
    'regions: [{ name: s, servers: [{ address: 192.0.2.2, service: app.example.com }] }]',
  'zones/a.zone':
    '$ORIGIN example.com.\n@ 300 SOA ns1 host 5 3600 600 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.80\n',
}

describe('the configuration without secrets', () => {
  const whole = loaded(FILES, { env: { TTL: '77' }, serial: 5 })
  const { text, files } = whole.plain

  test('holds none of them, and no check', () => {
    for (const secret of [SECRET, '00112233', 'token-token', 'another-token', 'hush-hush'])
      expect(text).not.toContain(secret)
  })

  test('loads by itself and serves the same', () => {
    const again = loadConfig('x', { files: textFiles({ ...files, x: text }), env: {}, serial: 5 })
    if (!again.ok) throw new Error(JSON.stringify(again.error))
    const served = ({ pools, zones }: typeof whole.topology) => ({
      zones,
      pools: pools.map(({ members, ...pool }) => ({
        ...pool,
        members: members.map(({ check: _, ...member }) => member),
      })),
    })
    expect(served(again.value.topology)).toEqual(served(whole.topology))
    expect(again.value.plain).toEqual(whole.plain)
  })

  test('one too large to be kept is not kept', () => {
    const records = Array.from({ length: 60_000 }, (_, at) => `n${at} A 192.0.2.1\n`).join('')
    const large = { ...FILES, 'zones/a.zone': FILES['zones/a.zone'] + records }
    expect(loaded(large, { env: { TTL: '1' } }).plain.text).toBe('')
  })
})
