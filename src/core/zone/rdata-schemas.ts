/**
 * What the data of each known record type consists of, and what DNS does with it.
 *
 * A type that is not listed has no text of its own and is written as RFC 3597 says.
 */
import { type TypeMnemonic, typeName, types } from '../dns/types.ts'
import {
  type Field,
  base64,
  charString,
  charStrings,
  hex,
  ipv4,
  ipv6,
  name,
  text,
  u8,
  u16,
  u32,
} from './rdata-fields.ts'
import { groupedHex, hash, salt, time, typeField, typeList } from './rdata-fields-dnssec.ts'
import { algorithm, caaTag, certificateType, period } from './rdata-fields-words.ts'
import { serviceParams } from './svcb.ts'

const exchange = [u16('preference'), name('exchange')]
const digest = [u16('key tag'), algorithm, u8('digest type'), hex('digest')]
const key = [u16('flags'), u8('protocol'), algorithm, base64('public key')]
const certificate = [u8('usage'), u8('selector'), u8('matching type'), hex('certificate data')]
const service = [u16('priority'), name('target'), serviceParams]

const schemasByName: Partial<Record<TypeMnemonic, readonly Field[]>> = {
  // RFC 1035 section 3.3 and 3.4.
  A: [ipv4('address')],
  NS: [name('name server')],
  MD: [name('host')],
  MF: [name('host')],
  CNAME: [name('target')],
  SOA: [
    name('primary server'),
    name('contact'),
    u32('serial'),
    period('refresh'),
    period('retry'),
    period('expire'),
    period('minimum'),
  ],
  MB: [name('host')],
  MG: [name('mailbox')],
  MR: [name('mailbox')],
  PTR: [name('target')],
  HINFO: [charString('cpu'), charString('os')],
  MINFO: [name('mailbox'), name('mailbox')],
  MX: exchange,
  TXT: [charStrings('text')],
  // RFC 1183.
  RP: [name('mailbox'), name('text owner')],
  AFSDB: [u16('subtype'), name('host')],
  X25: [charString('address')],
  RT: exchange,
  // RFC 2163 section 4.
  PX: [u16('preference'), name('RFC 822 domain'), name('X.400 domain')],
  // RFC 3596.
  AAAA: [ipv6('address')],
  // RFC 2782.
  SRV: [u16('priority'), u16('weight'), u16('port'), name('target')],
  // RFC 3403 section 4.1.
  NAPTR: [
    u16('order'),
    u16('preference'),
    charString('flags'),
    charString('services'),
    charString('regular expression'),
    name('replacement'),
  ],
  // RFC 2230.
  KX: exchange,
  // RFC 4398.
  CERT: [certificateType, u16('key tag'), algorithm, base64('certificate')],
  // RFC 6672.
  DNAME: [name('target')],
  // RFC 4034, RFC 7344.
  DS: digest,
  CDS: digest,
  DLV: digest,
  DNSKEY: key,
  CDNSKEY: key,
  RRSIG: [
    typeField('covered type'),
    algorithm,
    u8('labels'),
    u32('original TTL'),
    time('expiration'),
    time('inception'),
    u16('key tag'),
    name('signer'),
    base64('signature'),
  ],
  NSEC: [name('next name'), typeList('types')],
  // RFC 5155.
  NSEC3: [
    u8('hash algorithm'),
    u8('flags'),
    u16('iterations'),
    salt('salt'),
    hash('next hashed owner'),
    typeList('types'),
  ],
  NSEC3PARAM: [u8('hash algorithm'), u8('flags'), u16('iterations'), salt('salt')],
  // RFC 4255.
  SSHFP: [u8('algorithm'), u8('fingerprint type'), hex('fingerprint')],
  // RFC 6698, RFC 8162.
  TLSA: certificate,
  SMIMEA: certificate,
  // RFC 7929, RFC 4701.
  OPENPGPKEY: [base64('public key')],
  DHCID: [base64('identifier')],
  // RFC 7477.
  CSYNC: [u32('serial'), u16('flags'), typeList('types')],
  // RFC 8976.
  ZONEMD: [u32('serial'), u8('scheme'), u8('hash algorithm'), hex('digest')],
  // RFC 9460.
  SVCB: service,
  HTTPS: service,
  // RFC 7208 section 3.1: read for old zones; its data is that of TXT.
  SPF: [charStrings('text')],
  AVC: [charStrings('text')],
  RESINFO: [charStrings('text')],
  // RFC 6742.
  NID: [u16('preference'), groupedHex('node identifier', 4, 2, ':')],
  L32: [u16('preference'), ipv4('locator')],
  L64: [u16('preference'), groupedHex('locator', 4, 2, ':')],
  LP: [u16('preference'), name('target')],
  // RFC 7043.
  EUI48: [groupedHex('EUI-48 address', 6, 1, '-')],
  EUI64: [groupedHex('EUI-64 address', 8, 1, '-')],
  // RFC 7553.
  URI: [u16('priority'), u16('weight'), text('target')],
  // RFC 8659.
  CAA: [u8('flags'), caaTag, text('value')],
}

/** The fields of a type, or undefined when it has no text form here. */
export const schemaOf = (type: number): readonly Field[] | undefined =>
  (schemasByName as Record<string, readonly Field[]>)[typeName(type)]

/** Every type that has a text form of its own. */
export const schemaTypes: readonly number[] = Object.keys(schemasByName).map(
  (mnemonic) => types[mnemonic as TypeMnemonic],
)

const numbers = (...names: TypeMnemonic[]): ReadonlySet<number> =>
  new Set(names.map((mnemonic) => types[mnemonic]))

/** RFC 3597 section 4: only names in the data of the types of RFC 1035 may be compressed. */
export const compressedTypes = numbers(
  ...(['NS', 'MD', 'MF', 'CNAME', 'SOA', 'MB', 'MG', 'MR', 'PTR', 'MINFO', 'MX'] as const),
)

/** RFC 4034 section 6.2, amended by RFC 6840 section 5.1: names in this data fold. */
export const foldedTypes = numbers(
  ...(['NS', 'MD', 'MF', 'CNAME', 'SOA', 'MB', 'MG', 'MR', 'PTR', 'MINFO', 'MX'] as const),
  ...(['RP', 'AFSDB', 'RT', 'NAPTR', 'KX', 'SRV', 'DNAME', 'RRSIG', 'PX', 'A6'] as const),
)
