/**
 * `api.auth`, `api.tls`, proxies: what is read, what is refused, and what the api actor is told.
 */
import { describe, expect, test } from 'vitest'
import { apiAccess, tokenHashOf } from '../../../../src/actors/api/ports-access.ts'
import { load, loaded, SMALL } from './load-text.ts'

const HASH = tokenHashOf('a-token-of-tests-x')
const api = (text: string) => `${SMALL}api: { ${text} }\n`
const access = (text: string) => apiAccess(loaded(api(text)).config.api, '/data/audit')

describe('tokens', () => {
  test('a text is an admin token, as in older files, and leaves as its hash', () => {
    const { tokens } = access('auth: { tokens: [a-token-of-tests-x, 0123456789012345] }')
    expect(tokens).toEqual([
      { name: 'token-1', hash: HASH, role: 'admin' },
      { name: 'token-2', hash: tokenHashOf('0123456789012345'), role: 'admin' },
    ])
  })

  test('a hash has a name, a role, services and an end', () => {
    const item = `{ name: ci, hash: "sha256:${HASH.toUpperCase()}", role: operate, services: [App.example.com, "*.eu.example.com"], expires: 2030-01-31 }`
    expect(access(`auth: { tokens: [${item}] }`).tokens).toEqual([
      {
        name: 'ci',
        hash: HASH,
        role: 'operate',
        services: ['app.example.com', '*.eu.example.com'],
        expiresAtMs: Date.UTC(2030, 0, 31),
      },
    ])
  })

  for (const [title, text, fault] of [
    ['neither token nor hash', '[{ name: a }]', /neither token nor hash/],
    ['both', `[{ token: a-token-of-tests-x, hash: "sha256:${HASH}" }]`, /both token and hash/],
    ['a short hash', '[{ hash: "sha256:abcd" }]', /is not 64 hex digits long/],
    ['a short token', '[short]', /is shorter than 16 characters/],
    ['a role nobody knows', `[{ hash: "sha256:${HASH}", role: root }]`, /is not known/],
    ['a time that is none', `[{ hash: "sha256:${HASH}", expires: soon }]`, /is not a time/],
    [
      'a name twice',
      `[{ name: a, hash: "sha256:${HASH}" }, { name: a, token: another-token-of-16 }]`,
      /name of another token/,
    ],
    [
      'a hash twice',
      `[{ hash: "sha256:${HASH}" }, { hash: "sha256:${HASH}" }]`,
      /hash of another token/,
    ],
  ] as const)
    test(`${title} is refused`, () => {
      expect(load(api(`auth: { tokens: ${text} }`)).errors.join('\n')).toMatch(fault)
    })

  test('a token is not shown by a fault, in either form', () => {
    for (const text of ['[ahem-a-secret]', '[{ token: ahem-a-secret }]']) {
      const { errors } = load(api(`auth: { tokens: ${text} }`))
      expect(errors.join('\n')).toMatch(/shorter than 16/)
      expect(errors.join('\n')).not.toContain('ahem-a-secret')
    }
  })

  test('a file that others may read is refused with a token in it, and warned about with a hash', () => {
    const file = (text: string) => ({ 'main.yaml': { text, mode: 0o644 } })
    for (const text of ['[a-token-of-tests-x]', '[{ token: a-token-of-tests-x }]'])
      expect(load(file(api(`auth: { tokens: ${text} }`))).errors.join()).toMatch(/read/)
    expect(load(file(api(`auth: { tokens: [{ hash: "sha256:${HASH}" }] }`))).errors).toEqual([])
  })

  test('required without any token or certificate is refused', () => {
    expect(load(api('auth: { required: true }')).errors[0]).toMatch(/must list a token/)
  })
})

describe('certificates', () => {
  const tls = 'tls: { cert_file: a, key_file: b, client_ca_file: c, client_auth: request }'
  test('subject and fingerprint are read into one spelling', () => {
    const items = `[{ subject: "cn=ops, O=Ex", role: admin }, { fingerprint: "${'AB:'.repeat(31)}AB" }]`
    expect(access(`${tls}, auth: { certificates: ${items} }`).certificates).toEqual([
      { name: 'CN=ops,O=Ex', role: 'admin', subject: { CN: 'ops', O: 'Ex' } },
      { name: 'abababababababab', role: 'read', fingerprint: 'ab'.repeat(32) },
    ])
  })

  for (const [title, text, fault] of [
    ['one that is nobody’s', `${tls}, auth: { certificates: [{ role: read }] }`, /neither subject/],
    [
      'one that no client is asked for',
      'auth: { certificates: [{ subject: a }] }',
      /client_auth is none/,
    ],
    [
      'asking without authorities',
      'tls: { cert_file: a, key_file: b, client_auth: require }',
      /client_ca_file: is required/,
    ],
    [
      'asking without TLS',
      'tls: { client_ca_file: c, client_auth: require }',
      /cert_file: is required/,
    ],
    ['plain HTTP beside no TLS', 'tls: { plain_http: all }', /plain_http: has no effect without/],
    [
      'plain HTTP where certificates must be shown',
      'tls: { cert_file: a, key_file: b, client_ca_file: c, client_auth: require, plain_http: all }',
      /plain_http: lets in clients without a certificate/,
    ],
  ] as const)
    test(`${title} is refused`, () => {
      expect(load(api(text)).errors.join('\n')).toMatch(fault)
    })
})

describe('proxies', () => {
  test('nobody is believed by default', () => {
    expect(access('enabled: true').trustedProxies).toEqual([])
  })

  test('the older key means every allowed address and loopback, with a warning', () => {
    const text = 'trust_proxy_headers: true, allowed_networks: [10.0.0.0/8]'
    expect(access(text).trustedProxies).toEqual(['127.0.0.0/8', '::1/128', '10.0.0.0/8'])
    expect(load(api(text)).warnings.join()).toMatch(/list proxies in api.trusted_proxies/)
  })

  test('a list of proxies stands alone', () => {
    const text = 'trust_proxy_headers: true, trusted_proxies: [10.0.0.1/32]'
    expect(access(text).trustedProxies).toEqual(['10.0.0.1/32'])
  })
})

test('the audit log is kept where the API is on, and can be turned off', () => {
  const audit = { folder: '/data/audit', retentionMs: 90 * 86_400_000, maxBytes: 64_000_000 }
  expect(access('enabled: true').audit).toEqual(audit)
  expect(access('enabled: false').audit).toBeUndefined()
  expect(access('enabled: true, audit: { enabled: false }').audit).toBeUndefined()
})
