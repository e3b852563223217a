// Goal: a DNS thread that is told of a key which signs wrongly says so, and denies by the chain;
// told of the right one it denies compactly. Method: the actor with a front of its own, real keys.
import { expect, test } from 'vitest'
import { dns } from '../../../src/actors/dns/actor.ts'
import type { Answer, DnsPorts, Front } from '../../../src/actors/dns/contract.ts'
import { signWith, verify } from '../../../src/actors/dns/ports-online.ts'
import { nodeDnssecCrypto } from '../../../src/actors/signer/ports-crypto.ts'
import { types } from '../../../src/core/dns/types.ts'
import { onlineZones } from '../../../src/core/dnssec/online.ts'
import { formatRdata } from '../../../src/core/zone/rdata.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { CLIENT, zoneOf } from '../../harness/dns-world.ts'
import { countsInto } from '../../harness/dns-counts.ts'
import { crypto, keyFor } from '../../harness/dnssec.ts'
import { readMessage, signedParts } from '../../harness/dnssec-serving.ts'

const APEX = 'example.com'
const { toPkcs8 } = nodeDnssecCrypto()

test('a key that signs wrongly is told, and its zone is left to the chain', async () => {
  const fake = fakeCtx('dns')
  let answer: Answer | undefined
  const front = { kind: 'test', host: '127.0.0.1', port: 1, serve: () => {} } as unknown as Front
  const ports: DnsPorts = {
    ...{ signWith, verify },
    listen: async (request) => {
      answer = request.answer
      return { code: 'listening', front }
    },
  }
  const tcp = { maxConnections: 1, maxConnectionsPerClient: 1, idleTimeoutMs: 1, maxPipelined: 1 }
  const config = {
    ...{ sockets: [], listenAddress: '', udpPayloadSize: 1_232, nsid: '', versionString: '' },
    ...{ hashSeed: 0x5eed, turns: new SharedArrayBuffer(1_024), tcp },
  }
  const ctx = { ...fake.ctx, lend: countsInto(fake.metrics) }
  const { receive } = await dns.start(ctx, ports, config)
  const { parts, signed, plan } = signedParts({
    zones: [zoneOf(APEX, '@ NS ns1\nns1 A 192.0.2.53')],
  })
  if (!signed.ok) throw new Error(signed.error.join('\n'))
  const words = new Uint8Array(0)
  const served = { ...parts, signed: signed.value.parts }
  receive['registry.serving-set']({ epoch: 1, version: 1, parts: served, words })
  const isCompact = () => {
    const query = buildQuery({ name: `no.${APEX}`, type: 'A', edns: { dnssecOk: true } })
    const out = new Uint8Array(4_096)
    const client = { bytes: CLIENT, transport: 'udp' as const }
    const written = answer!(query, 0, query.length, out, 0, client)
    const { authority } = readMessage(out.slice(0, written))
    const nsecs = authority.filter(({ type }) => type === types.NSEC)
    expect(nsecs.length).toBeGreaterThan(0)
    return nsecs.some(({ rdata }) => formatRdata(types.NSEC, rdata).includes('NXNAME'))
  }
  const other = { ...crypto.generate(13, 0), role: 'csk', isActive: true } as const
  const tell = (privateKey = toPkcs8(keyFor(13))!) => {
    const zones = onlineZones(plan.zones, () => privateKey)
    receive['signer.online-keys-set']({ zones, signaturesPerSecond: 100 })
    fake.clock.advance(1_000)
  }
  tell(toPkcs8(other))
  expect(isCompact()).toBe(false)
  expect(fake.logs.filter(({ level }) => level === 'error')).toMatchObject([
    { fields: { fault: `${APEX}: ${APEX} NSEC: wrong-signature` } },
  ])
  tell()
  expect(isCompact()).toBe(true)
  expect(fake.logs.filter(({ level }) => level === 'error')).toHaveLength(1)
})
