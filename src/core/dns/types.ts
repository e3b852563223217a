/**
 * The numbers of the DNS protocol and their names, from the IANA registry "Domain Name System (DNS)
 * Parameters".
 *
 * Nothing here parses or decides; a number without a mnemonic is written `TYPE123` and `CLASS123`
 * (RFC 3597 section 5).
 */
export const types = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  'NSAP-PTR': 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  SRV: 33,
  ATMA: 34,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  A6: 38,
  DNAME: 39,
  SINK: 40,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  NINFO: 56,
  RKEY: 57,
  TALINK: 58,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  DSYNC: 66,
  HHIT: 67,
  BRID: 68,
  SPF: 99,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  DOA: 259,
  AMTRELAY: 260,
  RESINFO: 261,
  WALLET: 262,
  CLA: 263,
  IPN: 264,
  TA: 32_768,
  DLV: 32_769,
} as const

export type TypeMnemonic = keyof typeof types

const TYPE_NUMBERS = new Map<string, number>(Object.entries(types))
const TYPE_NAMES = new Map<number, string>(Object.entries(types).map(([name, n]) => [n, name]))

/** The number of a mnemonic in any case, or of `TYPE123`; undefined for anything else. */
export function typeNumber(text: string): number | undefined {
  const upper = text.toUpperCase()
  return TYPE_NUMBERS.get(upper) ?? generic(upper, /^TYPE([0-9]{1,5})$/)
}

export const typeName = (type: number): string => TYPE_NAMES.get(type) ?? `TYPE${type}`

function generic(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1]
  const value = digits === undefined ? undefined : Number(digits)
  return value !== undefined && value <= 0xffff ? value : undefined
}

export const CLASS_IN = 1
export const CLASS_CH = 3
export const CLASS_HS = 4
/** RFC 2136 section 2.4. */
export const CLASS_NONE = 254
/** RFC 1035 section 3.2.5. */
export const CLASS_ANY = 255

const CLASS_NAMES = new Map([
  [CLASS_IN, 'IN'],
  [2, 'CS'],
  [CLASS_CH, 'CH'],
  [CLASS_HS, 'HS'],
  [CLASS_NONE, 'NONE'],
  [CLASS_ANY, 'ANY'],
])
const CLASS_NUMBERS = new Map([...CLASS_NAMES].map(([n, name]) => [name, n]))

/** The number of a class mnemonic in any case, or of `CLASS123`; undefined for anything else. */
export function classNumber(text: string): number | undefined {
  const upper = text.toUpperCase()
  return CLASS_NUMBERS.get(upper) ?? generic(upper, /^CLASS([0-9]{1,5})$/)
}

export const className = (n: number): string => CLASS_NAMES.get(n) ?? `CLASS${n}`

/** RFC 1035 section 4.1.1, RFC 1996, RFC 2136, RFC 8490. */
export const opcodes = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

/** RFC 6895 section 2.3; those above 15 need an OPT record (RFC 6891 section 6.1.3). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const

export type RcodeMnemonic = keyof typeof rcodes

const RCODE_NAMES = new Map<number, string>(Object.entries(rcodes).map(([name, n]) => [n, name]))

export const rcodeName = (rcode: number): string => RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`

const OPCODE_NAMES = new Map<number, string>(Object.entries(opcodes).map(([name, n]) => [n, name]))

export const opcodeName = (opcode: number): string => OPCODE_NAMES.get(opcode) ?? `OPCODE${opcode}`

/** EDNS option codes (IANA "DNS EDNS0 Option Codes"). */
export const ednsOptions = {
  /** RFC 5001. */
  NSID: 3,
  /** RFC 7871. */
  CLIENT_SUBNET: 8,
  /** RFC 7314. */
  EXPIRE: 9,
  /** RFC 7873. */
  COOKIE: 10,
  /** RFC 7828. */
  TCP_KEEPALIVE: 11,
  /** RFC 7830. */
  PADDING: 12,
  /** RFC 8914. */
  EXTENDED_ERROR: 15,
} as const

/** Extended DNS error codes: RFC 8914 section 4 and the IANA registry. */
export const extendedErrors = {
  OTHER: 0,
  UNSUPPORTED_DNSKEY_ALGORITHM: 1,
  UNSUPPORTED_DS_DIGEST_TYPE: 2,
  STALE_ANSWER: 3,
  FORGED_ANSWER: 4,
  DNSSEC_INDETERMINATE: 5,
  DNSSEC_BOGUS: 6,
  SIGNATURE_EXPIRED: 7,
  SIGNATURE_NOT_YET_VALID: 8,
  DNSKEY_MISSING: 9,
  RRSIGS_MISSING: 10,
  NO_ZONE_KEY_BIT_SET: 11,
  NSEC_MISSING: 12,
  CACHED_ERROR: 13,
  NOT_READY: 14,
  BLOCKED: 15,
  CENSORED: 16,
  FILTERED: 17,
  PROHIBITED: 18,
  STALE_NXDOMAIN_ANSWER: 19,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
  INVALID_DATA: 24,
  SIGNATURE_EXPIRED_BEFORE_VALID: 25,
  TOO_EARLY: 26,
  UNSUPPORTED_NSEC3_ITERATIONS_VALUE: 27,
  UNABLE_TO_CONFORM_TO_POLICY: 28,
  SYNTHESIZED: 29,
  INVALID_QUERY_TYPE: 30,
} as const
