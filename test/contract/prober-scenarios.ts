/**
 * What a check must find, whatever implements the prober's port: a server's behaviour, a check, and
 * the outcome.
 */
import type { CheckSpec } from '../../src/core/steer/topology.ts'
import type { Behaviour, Certificate } from '../harness/simulated-probes.ts'

export interface Scenario {
  readonly title: string
  readonly server: Behaviour
  readonly check?: Partial<CheckSpec>
  readonly family?: 4 | 6
  /** `ok`, or the error of the outcome. */
  readonly expected: string
  /** The certificate that is reported, as an index into the server's. */
  readonly shows?: number
}

export const DAY_MS = 86_400_000

/** A check that accepts 200-299 on `/health` within 300 ms. */
export const plainCheck: CheckSpec = {
  type: 'http',
  intervalMs: 10_000,
  timeoutMs: 300,
  path: '/health',
  host: '',
  serverName: '',
  expectedStatus: [[200, 299]],
  bodyMatch: '',
  verifyCertificate: true,
  certificateWarnDays: 14,
  failureThreshold: 3,
  successThreshold: 2,
}

export function certificates(nowMs: number) {
  // Certificates count in whole seconds.
  const inDays = (days: number) => Math.floor(nowMs / 1000) * 1000 + days * DAY_MS
  const good = (days: number, ...names: string[]): Certificate => ({
    names,
    signedBy: 'authority',
    expiresMs: inDays(days),
  })
  return {
    a: good(30, 'a.test'),
    b: good(20, 'b.test'),
    address: good(30, '127.0.0.1', '::1'),
    own: { names: ['a.test'], signedBy: 'itself', expiresMs: inDays(30) } satisfies Certificate,
    old: { names: ['a.test'], signedBy: 'authority', expiresMs: inDays(-1) } satisfies Certificate,
  }
}

export type Certificates = ReturnType<typeof certificates>

const big = `${'x'.repeat(70_000)}needle`

export const plainScenarios: readonly Scenario[] = [
  { title: '200 passes', server: { kind: 'http' }, expected: 'ok' },
  { title: '200 over IPv6 passes', server: { kind: 'http' }, family: 6, expected: 'ok' },
  { title: '204 passes', server: { kind: 'http', status: 204 }, expected: 'ok' },
  { title: '503 fails', server: { kind: 'http', status: 503 }, expected: 'status 503' },
  {
    title: 'a redirect is not followed and fails',
    server: { kind: 'http', status: 302 },
    expected: 'status 302',
  },
  {
    title: 'a redirect that is expected passes',
    server: { kind: 'http', status: 301 },
    check: {
      expectedStatus: [
        [200, 204],
        [301, 301],
      ],
    },
    expected: 'ok',
  },
  {
    title: 'a status outside the ranges given fails',
    server: { kind: 'http', status: 200 },
    check: { expectedStatus: [[204, 204]] },
    expected: 'status 200',
  },
  {
    title: 'slow headers within the timeout pass',
    server: { kind: 'http', headersAfterMs: 60 },
    expected: 'ok',
  },
  {
    title: 'slow headers past the timeout fail',
    server: { kind: 'http', headersAfterMs: 2_000 },
    check: { timeoutMs: 150 },
    expected: 'timed-out',
  },
  {
    title: 'a slow body does not matter when none is matched',
    server: { kind: 'http', body: 'ready', bodyAfterMs: 2_000 },
    check: { timeoutMs: 150 },
    expected: 'ok',
  },
  {
    title: 'a slow body past the timeout fails when it is matched',
    server: { kind: 'http', body: 'ready', bodyAfterMs: 2_000 },
    check: { timeoutMs: 150, bodyMatch: 'ready' },
    expected: 'timed-out',
  },
  {
    title: 'a body that holds the text passes',
    server: { kind: 'http', body: 'all ready now' },
    check: { bodyMatch: 'ready' },
    expected: 'ok',
  },
  {
    title: 'a chunked body that holds the text passes',
    server: { kind: 'http', body: 'all ready now', chunked: true, bodyAfterMs: 20 },
    check: { bodyMatch: 'ready' },
    expected: 'ok',
  },
  {
    title: 'a body without the text fails',
    server: { kind: 'http', body: 'starting' },
    check: { bodyMatch: 'ready' },
    expected: 'body',
  },
  {
    title: 'a body that fits the pattern passes',
    server: { kind: 'http', body: '{"status": "UP"}' },
    check: { bodyMatch: '/"status":\\s*"up"/i' },
    expected: 'ok',
  },
  {
    title: 'a text past the first 64 KiB is not looked at',
    server: { kind: 'http', body: big },
    check: { bodyMatch: 'needle' },
    expected: 'body',
  },
  {
    title: 'a body without end is read no further than that',
    server: { kind: 'http', body: 'x'.repeat(8_192), endless: true },
    check: { bodyMatch: 'needle', timeoutMs: 2_000 },
    expected: 'body',
  },
  {
    title: 'a body cut off in the middle fails',
    server: { kind: 'http', body: 'all ready now', breaksOff: true },
    check: { bodyMatch: 'ready' },
    expected: 'reset',
  },
  {
    title: 'a pattern that is none fails',
    server: { kind: 'http', body: 'x' },
    check: { bodyMatch: '/(/' },
    expected: 'body',
  },
  { title: 'a reset fails', server: { kind: 'reset' }, expected: 'reset' },
  { title: 'a closed port fails', server: { kind: 'refused' }, expected: 'refused' },
  {
    title: 'a closed port fails over IPv6',
    server: { kind: 'refused' },
    family: 6,
    expected: 'refused',
  },
  {
    title: 'a server that says nothing fails',
    server: { kind: 'silent' },
    check: { timeoutMs: 150 },
    expected: 'timed-out',
  },
  {
    title: 'a reply that is not HTTP fails',
    server: { kind: 'garbage' },
    expected: 'malformed',
  },
  {
    title: 'headers without end fail',
    server: { kind: 'flood' },
    check: { timeoutMs: 2_000 },
    expected: 'malformed',
  },
  {
    title: 'tcp: an accepted connection passes, whatever it would say',
    server: { kind: 'silent' },
    check: { type: 'tcp' },
    expected: 'ok',
  },
  {
    title: 'tcp: an accepted connection passes over IPv6',
    server: { kind: 'silent' },
    check: { type: 'tcp' },
    family: 6,
    expected: 'ok',
  },
  {
    title: 'tcp: a closed port fails',
    server: { kind: 'refused' },
    check: { type: 'tcp' },
    expected: 'refused',
  },
]

/** The https scenarios; the check's type is https in all of them. */
export function secureScenarios(all: Certificates): readonly Scenario[] {
  const two: Behaviour = { kind: 'https', certificates: [all.a, all.b] }
  const byAddress: Behaviour = { kind: 'https', certificates: [all.address] }
  return [
    {
      title: 'the certificate is chosen and verified by the host',
      server: two,
      check: { host: 'b.test' },
      expected: 'ok',
      shows: 1,
    },
    {
      title: 'the port of the host is no part of the name',
      server: two,
      check: { host: 'b.test:8443' },
      expected: 'ok',
      shows: 1,
    },
    {
      title: 'a server name goes before the host',
      server: two,
      check: { host: 'b.test', serverName: 'a.test' },
      expected: 'ok',
      shows: 0,
    },
    {
      title: 'a certificate for another name fails',
      server: two,
      check: { host: 'c.test' },
      expected: 'tls ERR_TLS_CERT_ALTNAME_INVALID',
    },
    {
      title: 'without a host the certificate must name the address',
      server: byAddress,
      expected: 'ok',
      shows: 0,
    },
    {
      title: 'without a host the certificate must name the IPv6 address',
      server: byAddress,
      family: 6,
      expected: 'ok',
      shows: 0,
    },
    {
      title: 'without a host a certificate for a name fails',
      server: two,
      expected: 'tls ERR_TLS_CERT_ALTNAME_INVALID',
    },
    {
      title: 'a self-signed certificate fails',
      server: { kind: 'https', certificates: [all.own] },
      check: { host: 'a.test' },
      expected: 'tls DEPTH_ZERO_SELF_SIGNED_CERT',
    },
    {
      title: 'a self-signed certificate passes when none is verified',
      server: { kind: 'https', certificates: [all.own] },
      check: { host: 'a.test', verifyCertificate: false },
      expected: 'ok',
      shows: 0,
    },
    {
      title: 'an expired certificate fails',
      server: { kind: 'https', certificates: [all.old] },
      check: { host: 'a.test' },
      expected: 'tls CERT_HAS_EXPIRED',
    },
    {
      title: 'an expired certificate passes, and its end is told, when none is verified',
      server: { kind: 'https', certificates: [all.old] },
      check: { host: 'a.test', verifyCertificate: false },
      expected: 'ok',
      shows: 0,
    },
    {
      title: 'a 503 over TLS fails, and the end of the certificate is told',
      server: { ...two, status: 503 },
      check: { host: 'a.test' },
      expected: 'status 503',
      shows: 0,
    },
    {
      title: 'a plain server fails',
      server: { kind: 'garbage' },
      check: { host: 'a.test' },
      expected: 'tls handshake',
    },
    {
      title: 'a handshake that does not come fails',
      server: { kind: 'silent' },
      check: { host: 'a.test', timeoutMs: 150 },
      expected: 'timed-out',
    },
  ]
}
