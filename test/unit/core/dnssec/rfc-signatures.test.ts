// Goal: the examples of the RFCs come out as they are printed: tags, digests, signatures.
import { describe, expect, test } from 'vitest'
import type { KeyPair } from '../../../../src/core/dnssec/crypto.ts'
import {
  type ZoneKey,
  dnskeyRdata,
  readDnskey,
  tagOfKey,
} from '../../../../src/core/dnssec/dnskey.ts'
import { type DigestType, dsRdata } from '../../../../src/core/dnssec/ds.ts'
import { keyTag } from '../../../../src/core/dnssec/keytag.ts'
import { signRrset } from '../../../../src/core/dnssec/rrsig.ts'
import { checkKeys, checkSet, wireRecords } from '../../../../src/core/dnssec/validate.ts'
import { readKeys } from '../../../../src/core/dnssec/check/keys.ts'
import { nameToWire } from '../../../../src/core/dns/names.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { crypto } from '../../../harness/dnssec.ts'

const wire = (name: string) => {
  const read = nameToWire(name)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const base64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

interface Example {
  readonly rfc: string
  readonly zone: string
  readonly algorithm: 8 | 10 | 13 | 14 | 15
  readonly role: 'csk' | 'zsk'
  readonly publicKey: string
  readonly privateKey?: string
  readonly tag: number
  readonly ds?: readonly [DigestType, string]
  readonly set: { readonly owner: string; readonly type: number; readonly rdata: Uint8Array }
  readonly times: readonly [inception: string, expiration: string]
  readonly signature: string
  /** ECDSA draws a number for each signature; the others give the same one each time. */
  readonly isDeterministic: boolean
}

const www = { owner: 'www.example.net', type: types.A, rdata: new Uint8Array([192, 0, 2, 1]) }
const mail = {
  owner: 'example.com',
  type: types.MX,
  rdata: new Uint8Array([0, 10, ...wire('mail.example.com')]),
}

const examples: readonly Example[] = [
  {
    rfc: 'RFC 6605 section 6.1, P-256',
    zone: 'example.net',
    algorithm: 13,
    role: 'csk',
    publicKey:
      'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    privateKey: 'GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=',
    tag: 55_648,
    ds: [2, 'b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17'],
    set: www,
    times: ['2010-08-12T10:04:39Z', '2010-09-09T10:04:39Z'],
    signature:
      'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
    isDeterministic: false,
  },
  {
    rfc: 'RFC 6605 section 6.2, P-384',
    zone: 'example.net',
    algorithm: 14,
    role: 'csk',
    publicKey:
      'xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40',
    privateKey: 'WURgWHCcYIYUPWgeLmiPY2DJJk02vgrmTfitxgqcL4vwW7BOrbawVmVe0d9V94SR',
    tag: 10_771,
    ds: [
      4,
      '72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6',
    ],
    set: www,
    times: ['2010-08-12T10:20:25Z', '2010-09-09T10:20:25Z'],
    signature:
      '/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm',
    isDeterministic: false,
  },
  {
    rfc: 'RFC 8080 section 6.1, the first key',
    zone: 'example.com',
    algorithm: 15,
    role: 'csk',
    publicKey: 'l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    privateKey: 'ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=',
    tag: 3_613,
    ds: [2, '3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b'],
    set: mail,
    times: ['2015-07-29T22:00:00Z', '2015-08-19T22:00:00Z'],
    signature:
      'oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    isDeterministic: true,
  },
  {
    rfc: 'RFC 8080 section 6.1, the second key',
    zone: 'example.com',
    algorithm: 15,
    role: 'csk',
    publicKey: 'zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    privateKey: 'DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=',
    tag: 35_217,
    ds: [2, '401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c'],
    set: mail,
    times: ['2015-07-29T22:00:00Z', '2015-08-19T22:00:00Z'],
    signature:
      'zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
    isDeterministic: true,
  },
  {
    rfc: 'RFC 5702 section 6.2, RSASHA512',
    zone: 'example.net',
    algorithm: 10,
    role: 'zsk',
    publicKey:
      'AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL',
    tag: 3_740,
    set: { ...www, rdata: new Uint8Array([192, 0, 2, 91]) },
    times: ['2000-01-01T00:00:00Z', '2030-01-01T00:00:00Z'],
    signature:
      'tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=',
    isDeterministic: true,
  },
]

const seconds = (time: string) => Date.parse(time) / 1_000

/** The rrset and the RRSIG that the RFC prints, as records. */
function printed(example: Example, signature = base64(example.signature)) {
  const { zone, set, tag, algorithm } = example
  const [inception, expiration] = example.times.map(seconds)
  const head = new Uint8Array(18)
  const view = new DataView(head.buffer)
  view.setUint16(0, set.type)
  view.setUint8(2, algorithm)
  view.setUint8(3, set.owner.split('.').length)
  view.setUint32(4, 3_600)
  view.setUint32(8, expiration!)
  view.setUint32(12, inception!)
  view.setUint16(16, tag)
  const rdata = new Uint8Array([...head, ...wire(zone), ...signature])
  const common = { name: set.owner, ttlSeconds: 3_600 }
  return {
    records: wireRecords([{ ...common, type: set.type, rdata: set.rdata }]),
    signatures: wireRecords([{ ...common, type: types.RRSIG, rdata }]),
  }
}

function keyOf({ algorithm, publicKey, privateKey, role }: Example): ZoneKey {
  const pair: KeyPair = {
    publicKey: { algorithm, bytes: base64(publicKey) },
    privateKey: { kind: 'scalar', scalar: base64(privateKey ?? '') },
  }
  return { ...pair, role, isActive: true }
}

describe.each(examples.map((example) => [example.rfc, example] as const))('%s', (_rfc, example) => {
  const key = keyOf(example)
  const rdata = dnskeyRdata({
    flags: example.role === 'zsk' ? 256 : 257,
    publicKey: key.publicKey,
  })
  const dnskeys = wireRecords([
    { name: example.zone, type: types.DNSKEY, ttlSeconds: 3_600, rdata },
  ])
  const context = {
    zone: wire(example.zone),
    keys: readKeys(dnskeys, wire(example.zone)),
    nowSeconds: seconds(example.times[0]) + 60,
    ttl: 'exact',
  } as const

  test('the key reads, and has the tag and the digest that are printed', () => {
    expect(readDnskey(rdata)).toMatchObject({ ok: true })
    expect([keyTag(rdata), tagOfKey(key)]).toEqual([example.tag, example.tag])
    if (example.ds === undefined) return
    const ds = dsRdata(wire(example.zone), rdata, example.ds[0], crypto)
    expect(hex(ds.subarray(4))).toBe(example.ds[1])
    const unsigned = checkKeys({ records: dnskeys, signatures: [] }, [ds], context, crypto)
    expect(unsigned).toEqual({ ok: false, error: 'no-signature' })
  })

  test('the printed signature is found good, and another is not', () => {
    const checked = checkSet(printed(example), context, crypto)
    expect(checked).toMatchObject({ ok: true, value: { keyTag: example.tag } })
    const bytes = base64(example.signature)
    bytes[5]! ^= 1
    const broken = checkSet(printed(example, bytes), context, crypto)
    expect(broken).toEqual({ ok: false, error: 'wrong-signature' })
  })

  if (example.privateKey === undefined) return

  test('the printed private key signs the same', () => {
    expect(crypto.isPair(key)).toBe(true)
    const [inceptionSeconds, expirationSeconds] = example.times.map(seconds)
    const { owner, type, rdata: data } = example.set
    const set = { owner: wire(owner), type, ttlSeconds: 3_600, rdatas: [data] }
    const times = { inceptionSeconds: inceptionSeconds!, expirationSeconds: expirationSeconds! }
    const made = signRrset(set, key, wire(example.zone), times, crypto)
    const { signatures } = printed(example)
    const signatureAt = 18 + wire(example.zone).length
    expect(hex(made.subarray(0, signatureAt))).toBe(
      hex(signatures[0]!.rdata.subarray(0, signatureAt)),
    )
    if (example.isDeterministic)
      expect(Buffer.from(made.subarray(signatureAt)).toString('base64')).toBe(example.signature)
  })
})

test('RFC 4034 section 5.4 and RFC 4509 section 2.3: the tag and the SHA-256 digest of dskey', () => {
  const key = base64(
    'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
  )
  const rdata = new Uint8Array([1, 0, 3, 5, ...key])
  expect(keyTag(rdata)).toBe(60_485)
  expect(hex(dsRdata(wire('DSKEY.example.com'), rdata, 2, crypto))).toBe(
    'ec450502d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a',
  )
})
