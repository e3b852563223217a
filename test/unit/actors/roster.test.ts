// Goal: what a configuration says of TLS, hosts and authorities reaches the actors that act on it.
import { expect, test } from 'vitest'
import { configsOf } from '../../../src/actors/roster.ts'
import { loaded, SMALL } from '../core/config/load-text.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
const self = {
  version: '2.0.0',
  hostName: 'here',
  dnsAddress: '127.0.0.1:53',
  startedAtMs: 0,
  sockets: [[]],
  hashSeed: 1,
  turns: new Uint32Array(new SharedArrayBuffer(4)),
  rateMemory: new SharedArrayBuffer(8),
  cookieSecret: new Uint8Array(16),
} as unknown as Parameters<typeof configsOf>[1]
const reloads = { succeeded: 0, failed: 0, lastMs: 0, loadedMs: 0 }
const of = (more: string) =>
  configsOf(loaded({ 'main.yaml': SMALL + more, 'ca.pem': PEM }), self, reloads)

test('TLS files, host names and authorities reach their actors, and are absent by default', () => {
  const { shell, api, prober } = of(
    'api: { tls: { cert_file: /c, key_file: /k }, allowed_hosts: [gslb.example.com] }\n' +
      'overwatch: { validation: { ca_file: ca.pem } }\n',
  )
  expect(shell.api.tls).toEqual({ certFile: '/c', keyFile: '/k' })
  expect(api.hostNames).toEqual(['gslb.example.com'])
  expect(prober.trustedAuthorities).toEqual([PEM])
  const plain = of('')
  expect(plain.shell.api).not.toHaveProperty('tls')
  expect(plain.api.hostNames).toEqual([])
  expect(plain.prober.trustedAuthorities).toEqual([])
})
