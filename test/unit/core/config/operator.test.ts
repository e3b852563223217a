// Goal: what an operator is told is one line a cause, and shows no secret.
import { describe, expect, test } from 'vitest'
import { shownLine } from '../../../../src/core/config/parse-words.ts'
import { load, loaded, SMALL } from './load-text.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

test('a gossip key that is missing from the environment is one fault, not two', () => {
  const gossip = (key: string) =>
    load(`${SMALL}overwatch: { gossip: { bind_address: "0.0.0.0:7946"${key} } }\n`).errors
  expect(gossip(`, encryption_key: "\${GOSSIP_KEY}"`)).toHaveLength(1)
  expect(gossip(`, encryption_key: "\${GOSSIP_KEY}"`)[0]).toContain('GOSSIP_KEY, which is not set')
  expect(gossip('')[0]).toContain('overwatch.gossip.bind_address: needs overwatch.gossip.')
  // Empty on purpose is no fault of the key, so the address has one.
  expect(gossip(`, encryption_key: "\${GOSSIP_KEY:-}"`)).toHaveLength(1)
})

test('a server listed twice is told once, however many domains it stands for', () => {
  const domains = ['b', 'c'].map((name) => `  - { name: ${name}.example.com, regions: [main] }\n`)
  const twice = 'servers: [{ address: 192.0.2.1 }, { address: 192.0.2.1 }]'
  const text = SMALL.replace(/servers: .*/, twice) + domains.join('')
  expect(load(text).errors).toHaveLength(1)
})

test('a name server that would have no address is told with and without zones', () => {
  const told = (listen: string, text = SMALL) =>
    load(text.replace('dns:', `dns:\n  listen_address: "${listen}"`)).warnings.filter((line) =>
      /no address|has none/.test(line),
    )
  const alone = SMALL.replace(/ {2}zones:.*/, '  default_ttl: 60')
  expect(told(':53', alone)).toHaveLength(1)
  expect(told(':53', alone)[0]).toMatch(/^main\.yaml:3:19: warning: dns\.listen_address: /)
  expect(told('192.0.2.53:53', alone)).toEqual([])
  expect(told(':53')).toHaveLength(1)
  expect(told('192.0.2.53:53')).toEqual([])
})

test('a record that cannot be read does not hide what is wrong with its zone file', () => {
  const zone = '@ IN NS ns1\nns1 IN A 300.1.1.1\nwww IN CNAME app\nwww IN TXT x\n'
  const { errors } = load({
    'main.yaml': 'dns: { zones: [{ name: example.com, file: a.zone }] }\n',
    'a.zone': `$TTL 60\n@ IN SOA ns1 hostmaster 1 2 3 4 5\n${zone}`,
  })
  expect(errors).toHaveLength(2)
  expect(errors.join()).toContain('"300.1.1.1" is not an IPv4 address')
  expect(errors.join()).toContain(
    'a.zone:5:1: error: dns.zones[0]: www.example.com CNAME: an alias',
  )
})

test('the line of a YAML fault is shown without what may be a secret', () => {
  const token = 'f00f00f00f00f00f00f0'
  expect(shownLine('   default_ttl: 5  ')).toBe('"   default_ttl: 5"')
  expect(shownLine(`  encryption_key: ${token}`)).toBeUndefined()
  expect(shownLine(`    app.example.com: ${token}`)).toBe('"    app.example.com: …"')
  expect(shownLine(`  - ${token}`)).toBeUndefined()
  expect(shownLine('')).toBeUndefined()
  const { errors } = load(`overwatch:\n  agent_tokens:\n    app: a\n     web: ${token}\n`)
  expect(errors).toHaveLength(1)
  expect(errors[0]).not.toContain(token)
})

test('further authorities are read from the file beside the one that names it', () => {
  const text = `${SMALL}overwatch: { validation: { ca_file: ca.pem } }\n`
  expect(loaded({ 'main.yaml': text, 'ca.pem': PEM }).trustedAuthorities).toEqual([PEM])
  expect(loaded(SMALL).trustedAuthorities).toEqual([])
  expect(load({ 'main.yaml': text }).errors[0]).toMatch(/validation\.ca_file: file ca\.pem /)
  expect(load({ 'main.yaml': text, 'ca.pem': 'x' }).errors[0]).toContain('holds no certificate')
})

describe('overwatches without a secret of their own', () => {
  const KEY = `${'A'.repeat(43)}=`
  const told = (rest: string, key = KEY) =>
    load(`${SMALL}overwatch: { gossip: { encryption_key: "${key}"${rest} }\n`).warnings.filter(
      (line) => line.includes('an agent could speak as an overwatch'),
    )
  const one = 'a: token-of-sixteen-1'

  test('are warned of where one token is all that an agent would have to know', () => {
    expect(told(`}, agent_tokens: { ${one} }`)[0]).toContain('overwatch.peering.secret: ')
    // The same token for two services is one token.
    expect(told(`}, agent_tokens: { ${one}, b: token-of-sixteen-1 }`)).toHaveLength(1)
    expect(told(', allow_unsigned_agents: true }')).toHaveLength(1)
  })

  test('are no matter with a secret, two tokens, no agents or no gossip', () => {
    expect(told(`}, agent_tokens: { ${one} }, peering: { secret: only-ours }`)).toEqual([])
    expect(told(`}, agent_tokens: { ${one}, b: token-of-sixteen-2 }`)).toEqual([])
    expect(told('}')).toEqual([])
    expect(told(`}, agent_tokens: { ${one} }`, '')).toEqual([])
  })
})
