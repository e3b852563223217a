// Goal: what is written, where it is written and how decides what holds, and nothing is guessed.
import { describe, expect, test } from 'vitest'
import { resolveCheck } from '../../../../src/core/config/checks.ts'
import { restartNeeded } from '../../../../src/core/config/restart.ts'
import { load, loaded, SMALL } from './load-text.ts'

describe('defaults', () => {
  test('an empty file is an overwatch with the documented defaults', () => {
    const { config } = loaded('')
    expect(config.mode).toBe('overwatch')
    expect(config.dns).toMatchObject({
      listen_address: ':53',
      default_ttl: 60,
      when_all_down: 'servfail',
      udp_payload_size: 1232,
      tcp: { max_connections: 1024, idle_timeout: 10_000, max_pipelined: 128 },
    })
    expect(config.overwatch.validation.enabled).toBe(true)
    expect(config.overwatch.event_log).toEqual({ retention: 86_400_000, max_size: 1e9 })
    expect(config.api.allowed_networks).toEqual(['127.0.0.1/32', '::1/128'])
    expect(config.agent.predictive.cpu.threshold).toBe(80)
  })

  test('an explicit 0, false or "" is not an absent key; nothing behind a key is', () => {
    const { config, topology } = loaded(
      'dns: { zones: [example.com], default_ttl: 60 }\n' +
        'regions:\n  - name: r\n    servers: [{ address: 192.0.2.1, weight: 0, port: }]\n' +
        'domains: [{ name: a.example.com, regions: [r], ttl: 0 }]\n' +
        'overwatch: { validation: { enabled: false }, data_dir: "" }\n',
    )
    expect(topology.pools[0]!.ttlSeconds).toBe(0)
    expect(topology.pools[0]!.members[0]).toMatchObject({ weight: 0, port: 80 })
    expect(config.overwatch).toMatchObject({ validation: { enabled: false }, data_dir: '' })
  })
})

describe('values', () => {
  test.each([
    ['yes', true],
    ['On', true],
    ['TRUE', true],
    ['no', false],
    ['off', false],
    ['"false"', false],
  ])('%s is the truth value %s', (written, expected) => {
    expect(loaded(`${SMALL}metrics: { enabled: ${written} }\n`).config.metrics.enabled).toBe(
      expected,
    )
  })

  test('a number with a leading zero is decimal, with a warning', () => {
    const { loaded: result, warnings } = load(SMALL.replace('zones:', 'default_ttl: 010\n  zones:'))
    expect(result!.config.dns.default_ttl).toBe(10)
    expect(warnings.join()).toContain('010 is read as the decimal number 10')
  })

  test('a token of digits stays the text it is', () => {
    const { config } = loaded('overwatch: { agent_tokens: { web: 0012 } }\n')
    expect(config.overwatch.agent_tokens).toEqual({ web: '0012' })
  })

  test('a fraction is taken for a percentage, with a warning', () => {
    const { loaded: result, warnings } = load('agent: { predictive: { cpu: { threshold: 0.85 } } }')
    expect(result!.config.agent.predictive.cpu.threshold).toBe(85)
    expect(warnings.join()).toContain('0.85 is taken for 85 percent')
  })

  test('an agent tells no network of so few that it is one client, whatever an older file says', () => {
    const prefixes = (v4: number, v6: number) =>
      load(`agent: { latency_learning: { ipv4_prefix: ${v4}, ipv6_prefix: ${v6} } }`)
    const taken = ([v4, v6]: [number, number]) => {
      const { ipv4_prefix, ipv6_prefix } = prefixes(v4, v6).loaded!.config.agent.latency_learning
      const told = prefixes(v4, v6).warnings.filter((one) => String(one).includes('is taken for'))
      return [ipv4_prefix, ipv6_prefix, told.length]
    }
    expect(taken([32, 128])).toEqual([24, 56, 2])
    expect(taken([25, 57])).toEqual([24, 56, 2])
    expect(taken([24, 56])).toEqual([24, 56, 0])
    expect(taken([4, 16])).toEqual([8, 16, 1])
    expect(prefixes(32, 48).warnings.join()).toContain('32 is taken for 24; allowed: 8 to 24')
    expect(prefixes(33, 129).errors).toHaveLength(2)
  })

  test('the share of exploration is a percentage from none to all', () => {
    const of = (share: string) => load(`overwatch: { learned_latency: { exploration: ${share} } }`)
    const taken = (share: string) => of(share).loaded!.config.overwatch.learned_latency.exploration
    expect(['1 %', '0', '0.5%', '"100"'].map(taken)).toEqual([1, 0, 0.5, 100])
    expect(loaded('').config.overwatch.learned_latency.exploration).toBe(1)
    expect(of('101').errors.join()).toContain('0 to 100')
    expect(of('few').errors.join()).toContain('is not a percentage')
  })

  test('with a percent sign it is none', () => {
    const of = (threshold: string) =>
      load(`agent: { predictive: { error_rate: { threshold: "${threshold}" } } }`)
    expect(of('85%').loaded!.config.agent.predictive.error_rate.threshold).toBe(85)
    expect(of('0.5%').errors.join()).toContain('1 to 100')
  })

  test('host bits of a network are cleared, with a warning', () => {
    const { loaded: result, warnings } = load('api: { allowed_networks: [10.1.2.3/8, 192.0.2.7] }')
    expect(result!.config.api.allowed_networks).toEqual(['10.0.0.0/8', '192.0.2.7/32'])
    expect(warnings.join()).toContain('it is read as 10.0.0.0/8')
  })

  test.each([
    ['rr', 'round-robin'],
    ['Weight', 'weighted'],
    ['active-standby', 'failover'],
    ['GEO', 'geolocation'],
    ['learned-latency', 'learned_latency'],
  ])('the algorithm %s is %s', (alias, expected) => {
    const { config } = loaded(`dns: { default_routing_algorithm: ${alias} }`)
    expect(config.dns.default_routing_algorithm).toBe(expected)
  })

  test.each([
    ['204', [[204, 204]]],
    ['"200-299"', [[200, 299]]],
    ['2xx', [[200, 299]]],
    [
      '[200, "301-302"]',
      [
        [200, 200],
        [301, 302],
      ],
    ],
    [
      '"200, 404"',
      [
        [200, 200],
        [404, 404],
      ],
    ],
  ])('the expected status %s is %j', (written, expected) => {
    const text = SMALL.replace(
      'name: main',
      `name: main\n    health_check: { expected_status: ${written} }`,
    )
    const { loaded: result } = load(text)
    expect(result!.config.regions[0]!.health_check!.expected_status).toEqual(expected)
  })
})

describe('modes', () => {
  test('the flag wins over the file, the environment over the file, the flag over both', () => {
    const text = 'mode: overwatch\ncluster: { mode: standalone, node_name: file }\n'
    expect(loaded(text, { modeFlag: 'cluster' }).config.cluster.mode).toBe('cluster')
    const env = {
      OPENGSLB_CLUSTER_MODE: 'cluster',
      OPENGSLB_CLUSTER_NODE_NAME: 'env',
      OPENGSLB_CLUSTER_JOIN: '10.0.1.1:7000,10.0.1.2:7000',
      OPENGSLB_CLUSTER_BOOTSTRAP: '',
    }
    const { config } = loaded(text, { env, flags: { nodeName: 'flag' } })
    expect(config.cluster).toMatchObject({
      mode: 'cluster',
      node_name: 'flag',
      join: ['10.0.1.1:7000', '10.0.1.2:7000'],
      bootstrap: false,
    })
  })

  test('a wrong flag or variable is told with its name instead of a file', () => {
    expect(load('', { modeFlag: 'oversight' }).errors[0]).toMatch(/^--mode: error: mode: /)
    expect(load('', { env: { OPENGSLB_CLUSTER_MODE: 'raft' } }).errors[0]).toMatch(
      /^\$OPENGSLB_CLUSTER_MODE: error: cluster\.mode: /,
    )
  })

  test('mode: cluster means an overwatch that is one of many', () => {
    const { config } = loaded('mode: cluster\n')
    expect([config.mode, config.cluster.mode]).toEqual(['overwatch', 'cluster'])
  })
})

describe('keys of older files', () => {
  test('they warn and load', () => {
    const { loaded: result, warnings } = load(
      'dns: { zone: old.example.com, zones: [new.example.com] }\n' +
        'dnssec: { enabled: false, security_acknowledgment: meant, ' +
        'key_sync: { peers: ["https://peer:9090"] } }\n' +
        'overwatch: { routing: { algorithm: rr } }\n' +
        'regions: [{ name: r, id: 1 }]\n' +
        'agent: { identity: { agent_id: x } }\n' +
        'api: { enable_cors: true, cors: { origins: ["*"] } }\n',
    )
    const { config } = result!
    expect(config.dns.zones.map((one) => one.name)).toEqual(['new.example.com', 'old.example.com'])
    expect(config.overwatch.dnssec.enabled).toBe(false)
    expect(config.overwatch.dnssec.key_sync.peers).toEqual(['https://peer:9090'])
    const old = warnings.filter((line) => line.includes('is a key of older files'))
    expect(old.map((line) => line.split(': ')[2])).toEqual([
      'dns.zone',
      'dnssec',
      'overwatch.routing',
      'regions[0].id',
      'agent.identity.agent_id',
      'api.enable_cors',
      'api.cors',
    ])
  })

  test('return_last_healthy is when_all_down: last_healthy, which wins when both are given', () => {
    const down = (dns: string) => loaded(`dns: { ${dns} }`).config.dns.when_all_down
    expect(down('return_last_healthy: true')).toBe('last_healthy')
    expect(down('return_last_healthy: true, when_all_down: nodata')).toBe('nodata')
    expect(down('return_last_healthy: false')).toBe('servfail')
  })
})

describe('health checks', () => {
  test('a server’s own section overrides its region’s key by key', () => {
    const check = resolveCheck([
      { interval: 1_000, verify_certificate: false, certificate_expiry_warning: 0 },
      { interval: 2_000, path: '/live', failure_threshold: 5 },
    ])
    expect(check).toMatchObject({
      type: 'http',
      intervalMs: 1_000,
      timeoutMs: 5_000,
      path: '/live',
      failureThreshold: 5,
      successThreshold: 2,
      verifyCertificate: false,
      certificateWarnDays: 0,
    })
  })

  test('the host is the server’s, else that of its own check, else the region’s', () => {
    const [own, region] = [{ host: 'own' }, { host: 'region' }]
    expect(resolveCheck([own, region], 'server').host).toBe('server')
    expect(resolveCheck([own, region]).host).toBe('own')
    expect(resolveCheck([undefined, region]).host).toBe('region')
    expect(resolveCheck([{ host: '' }, region]).host).toBe('region')
  })

  test('days of warning may be a bare number', () => {
    const text = (written: string) =>
      SMALL.replace(
        'name: main',
        `name: main\n    health_check: { certificate_expiry_warning: ${written} }`,
      )
    const warnDays = (written: string) =>
      loaded(text(written)).topology.pools[0]!.members[0]!.check.certificateWarnDays
    expect([warnDays('7'), warnDays('36h'), warnDays('0')]).toEqual([7, 2, 0])
  })
})

test('what needs a restart is named by key, what does not is not', () => {
  const before = loaded(SMALL).config
  const after = loaded(
    `${SMALL.replace('zones:', 'listen_address: ":5353"\n  default_ttl: 5\n  zones:')}` +
      'overwatch: { data_dir: /srv }\nlogging: { level: debug }\n',
  ).config
  expect(restartNeeded(before, after)).toEqual(['dns.listen_address', 'overwatch.data_dir'])
  expect(restartNeeded(before, before)).toEqual([])
  const key = Buffer.alloc(32, 7).toString('base64')
  const gossip = (text: string) =>
    loaded(`${SMALL}overwatch: { gossip: { encryption_key: "${text}" } }\n`).config
  const other = gossip(Buffer.alloc(32, 8).toString('base64'))
  expect(restartNeeded(before, gossip(key))).toEqual(['overwatch.gossip.encryption_key'])
  expect(restartNeeded(gossip(key), other)).toEqual([])
})

describe('signing', () => {
  const OFF = 'overwatch: { dnssec: { enabled: false'

  test('is on where nobody says a word of it', () => {
    expect(loaded('dns: { zones: [a.test] }\n').config.overwatch.dnssec.enabled).toBe(true)
  })

  test('is turned off with a sentence that means it, whatever its words', () => {
    const off = load(`dns: { zones: [a.test] }\n${OFF} } }\n`)
    expect(off.errors).toHaveLength(1)
    expect(off.errors[0]).toContain('overwatch.dnssec.security_acknowledgment: is required')
    const meant = `${OFF}, security_acknowledgment: "I know what this means" } }`
    expect(load(`dns: { zones: [a.test] }\n${meant}\n`).errors).toEqual([])
  })

  test('warns of other overwatches that are named, and with which no keys are shared', () => {
    const warned = (sync: string, rest = '') => {
      const peering = 'peering: { bootstrap_peers: ["two.test:7946"] }'
      const text = `${rest}dns: { zones: [a.test] }\noverwatch: { ${peering}, dnssec: { ${sync} } }\n`
      return load(text).warnings.filter((line) => line.includes('key_sync.peers: is empty beside'))
    }
    expect(warned('algorithm: ECDSAP256SHA256')).toHaveLength(1)
    expect(warned('key_sync: { peers: ["http://two.test:8080"] }')).toEqual([])
    expect(warned('key_sync: { enabled: false }')).toEqual([])
    expect(warned('key_sync: {}', 'cluster: { mode: cluster, bootstrap: true }\n')).toEqual([])
  })

  test('asks for no sentence where there is no zone to sign', () => {
    expect(load(`${OFF} } }\n`).errors).toEqual([])
    const { warnings } = load('overwatch: { dnssec: { enabled: true } }\n')
    expect(warnings.join()).toContain('only the zones of dns.zones are signed')
  })
})
