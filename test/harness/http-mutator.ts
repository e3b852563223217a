/**
 * Hostile HTTP requests: odd parts put together, then cut anywhere or made noisy.
 */
import type { Random } from '../../src/core/base/random.ts'

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'get',
  'X',
  '',
]
const PATHS = [
  '/api/v1/overrides',
  '/api/v1/overrides/app.example.com/10.0.0.1',
  '/api/v1/overwatch/backends/a/10.0.0.1/80/override',
  '/api/v1/overwatch/agents/x/revoke',
  '/api/v1/drains',
  '/api/v1/audit-logs',
  '/api/v1/audit-logs/export?format=csv',
  '/api/v1/events',
  '/api/v1/overrides/%2e%2e/%00',
  '/api/v1/%',
  '//api//v1//live',
  '/../../etc/passwd',
  'http://evil.example/api/v1/live',
  '*',
  '/\u00ff\u00fe',
  '/?%zz=%',
  `/${'a'.repeat(9_000)}`,
]
const FIELDS = [
  'Host: localhost',
  'Host: evil.example',
  'Host: a, b',
  'Origin: http://evil.example',
  'Origin: null',
  'Sec-Fetch-Site: cross-site',
  'Authorization: Bearer wrong',
  'Authorization: Bearer',
  `Authorization: Bearer ${'t'.repeat(5_000)}`,
  'Authorization: Basic AAAA',
  'X-Forwarded-For: 127.0.0.1',
  `X-Forwarded-For: ${'127.0.0.1,'.repeat(200)}`,
  'X-User: =cmd|calc',
  'X-Request-Id: \u0001',
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Protocol: bearer.____',
  'Expect: 100-continue',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Content-Length: 5',
  'Content-Length: -5',
  'Content-Length: 99999999999999999999',
  'Content-Type: text/plain',
  'Connection: close, keep-alive',
  '__proto__: x',
  'constructor: x',
  ': no name',
  'no colon',
  ' folded',
  `X-Big: ${'x'.repeat(9_000)}`,
  'X-Null: \u0000',
]
const BODIES = [
  '',
  '{}',
  '{"healthy":false,"reason":"x"}',
  '{"__proto__":{"healthy":true}}',
  '[[[[[[[[[[[[[[[[',
  '"',
  '0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '\u0000'.repeat(100),
  `{"reason":"${'x'.repeat(3_000)}"}`,
  '{"healthy":1e999}',
]

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)]!

/** One request, in latin1. */
export function hostileHttp(random: Random): string {
  const fields = Array.from({ length: random.below(7) }, () => pick(random, FIELDS))
  const host = random.below(4) > 0 ? ['Host: localhost'] : []
  const version =
    random.below(20) === 0 ? 'HTTP/1.0' : random.below(30) === 0 ? 'HTTP/2' : 'HTTP/1.1'
  const line = `${pick(random, METHODS)} ${pick(random, PATHS)} ${version}`
  const ends = random.below(20) === 0 ? '\n' : '\r\n'
  const text = [line, ...host, ...fields, '', pick(random, BODIES)].join(ends)
  if (random.below(5) > 0) return text
  const at = random.below(text.length + 1)
  const noise = String.fromCharCode(...Array.from({ length: 4 }, () => random.below(256)))
  return random.below(2) === 0 ? text.slice(0, at) : text.slice(0, at) + noise + text.slice(at)
}
