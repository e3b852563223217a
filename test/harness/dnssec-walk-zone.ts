/**
 * The zone that a walk through states serves: every record type, and a name under every policy.
 *
 * TTLs are a second, so that a rollover takes seconds too.
 */
import { readFileSync } from 'node:fs'

export const ZONE = 'walk.test'

/** What the zone is told to be; a reload brings another one. */
export interface Variant {
  readonly number: number
  readonly denial: 'nsec' | 'nsec3' | 'compact'
  readonly layout: 'csk' | 'ksk_zsk'
  readonly algorithm: 'ECDSAP256SHA256' | 'ED25519'
  /** Names that some variants have and others lack. */
  readonly extra: number
  /** Records an answer of some names holds. */
  readonly answers: number
}

/**
 * `yes`: records; `nodata` and `nxdomain`: a proof that there are none; `alias`: one that ends at a
 * name that is not there; `steered`: whatever the moment makes of it, which may be a SERVFAIL where
 * the policy says so.
 */
export type Outcome = 'yes' | 'nodata' | 'nxdomain' | 'alias' | 'steered'
export type Question = readonly [relative: string, type: string, outcome: Outcome]

const source = readFileSync(new URL('../interop/dnssec.zone', import.meta.url), 'utf8')

/** @param address of the node, which the zone's name server has: nobody is to ask elsewhere */
export function zoneFile({ number, extra }: Variant, address: string): string {
  const short = source
    .replace(/^\$TTL 300$/m, '$TTL 1')
    .replace(/\( 2024010101 7200 900 1209600 120 \)/, `( ${number} 7200 900 1209600 1 )`)
    .replace(/^\tNS\tns2\.example\.net\.\n/m, '')
    .replace(/^ns1\tA\t192\.0\.2\.53$/m, `ns1\tA\t${address}`)
    .replaceAll(/^(\S*)\t(?:30|60|600)\t/gm, '$1\t1\t')
  const more = Array.from(
    { length: extra },
    (_, at) => `x${number % 7}-${at}\tA\t192.0.2.99\n\tTXT\t"${number}"`,
  )
  return `${short}epoch\tTXT\t"epoch ${number}"\n${more.join('\n')}\n`
}

/** Label of a name, its policy, and for each region the servers (by place) it has there. */
const STEERED: readonly (readonly [string, string, readonly (readonly number[])[]])[] = [
  ['round', '', [[0, 1], []]],
  ['pair', 'answers: 2', [[0, 1], [2]]],
  ['heavy', 'routing_algorithm: weighted, answers: ANSWERS, capacity: { by: cpu }', [[0, 1], [2]]],
  ['first', 'routing_algorithm: failover, hold_down: 0s', [[0], [1]]],
  ['geo', 'routing_algorithm: geolocation, when_all_down: last_healthy', [[1], [2]]],
  ['near', 'routing_algorithm: latency', [[0], [3]]],
  ['learnt', 'routing_algorithm: learned_latency', [[1], [3]]],
  ['stick', 'sticky: { by: client_prefix }, when_all_down: last_healthy', [[0, 2], [3]]],
  ['mixed', 'answers: 2, when_all_down: nodata', [[0, 4], [2]]],
  ['every', 'when_all_down: all, answers: ANSWERS', [[2, 3], []]],
  ['fall', 'when_all_down: fallback, fallback_addresses: [192.0.2.250]', [[3], []]],
  ['none', 'when_all_down: nodata', [[3], []]],
  [
    'made',
    'policy: { failover: [{ routing_algorithm: weighted, regions: [west] }, ' +
      '{ routing_algorithm: round-robin, regions: [east] }] }',
    [[2], [3]],
  ],
]

/** Names of one server each, which tell whether it serves. */
const WITNESSES = [0, 1, 2, 3, 4].map(
  (at) => [`w${at}`, 'when_all_down: nodata', [[at], []]] as const,
)
const ALL = [...STEERED, ...WITNESSES]
export const witnesses = WITNESSES.map(([name]) => name)
export const steered = STEERED.map(([name]) => name)
/** `[name, place of a server]` of all that an operator may order about. */
export const orderable = STEERED.flatMap(([name, , regions]) =>
  regions.flat().map((at) => [name, at] as const),
)

/** The sections `regions` and `domains` of a configuration. */
export function steeredYaml(addresses: readonly string[], port: number, answers: number): string {
  const servers = (region: number) =>
    ALL.flatMap(([name, , regions]) =>
      regions[region]!.map(
        (at) =>
          `      - { address: "${addresses[at]}", port: ${port}, weight: ${at + 1}, service: ${name} }`,
      ),
    )
  const check =
    '{ type: tcp, interval: 500ms, timeout: 400ms, failure_threshold: 1, success_threshold: 1 }'
  const regions = ['west', 'east'].map((name, at) =>
    [`  - name: ${name}`, `    health_check: ${check}`, '    servers:', ...servers(at)].join('\n'),
  )
  const domains = ALL.map(([name, policy]) => {
    const words = policy === '' ? '' : `, ${policy.replace('ANSWERS', String(answers))}`
    return `  - { name: ${name}.${ZONE}, regions: [west, east]${words} }`
  })
  return `regions:\n${regions.join('\n')}\ndomains:\n${domains.join('\n')}\n`
}

/** One of each kind of answer. */
const KINDS: readonly Question[] = [
  ...steered.map((name): Question => [name, 'A', 'steered']),
  ['mixed', 'AAAA', 'steered'],
  ['w4', 'AAAA', 'steered'],
  ['@', 'CDS', 'steered'],
  ['@', 'CDNSKEY', 'steered'],
  ['round', 'AAAA', 'nodata'],
  ['round', 'TXT', 'nodata'],
  ['@', 'AAAA', 'nodata'],
  ['www', 'A', 'yes'],
  ['missing', 'A', 'nxdomain'],
  ['a.b.missing', 'TXT', 'nxdomain'],
  ['zzz', 'MX', 'nxdomain'],
  ['deep.down', 'A', 'nodata'],
  ['down', 'TXT', 'nodata'],
  ['b.deep.down', 'A', 'nxdomain'],
  ['any.wild', 'A', 'yes'],
  ['a.b.wild', 'TXT', 'yes'],
  ['any.wild', 'MX', 'nodata'],
  ['here.wild', 'TXT', 'nodata'],
  ['ent.wild', 'A', 'nodata'],
  ['y.ent.wild', 'A', 'nxdomain'],
  ['*.wild', 'A', 'yes'],
  ['secure', 'DS', 'yes'],
  ['insecure', 'DS', 'nodata'],
  ['a.deep.moved', 'A', 'yes'],
  ['nothing.moved', 'A', 'alias'],
  ['epoch', 'TXT', 'yes'],
]

export const TYPES: readonly (readonly [string, string])[] = [
  ...['SOA', 'NS', 'MX', 'TXT', 'CAA', 'DNSKEY'].map((type) => ['@', type] as const),
  ['ns1', 'A'],
  ['ns1', 'AAAA'],
  ['www', 'CNAME'],
  ['moved', 'DNAME'],
  ['_sip._udp', 'SRV'],
  ['hinfo', 'HINFO'],
  ['ptr', 'PTR'],
  ['_443._tcp', 'TLSA'],
  ['pgp', 'OPENPGPKEY'],
  ['generic', 'TYPE731'],
  ['high', 'TYPE65280'],
  ...['naptr', 'rp', 'afsdb', 'rt', 'minfo', 'mb', 'kx', 'cert', 'sshfp', 'lp', 'l64', 'eui48']
    .concat('uri', 'svcb', 'https')
    .map((name) => [name, name.toUpperCase()] as const),
]

export const questions: readonly Question[] = [
  ...KINDS,
  ...TYPES.map(([name, type]): Question => [name, type, 'yes']),
]

export const nameOf = (relative: string): string =>
  relative === '@' ? ZONE : `${relative}.${ZONE}`
