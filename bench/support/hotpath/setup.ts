/**
 * What a contender is set up to serve, the zone as text, and the questions that belong to it.
 */

export interface Setup {
  /** Static names n0000000 … beside www, each with an address of its own. */
  readonly names: number
  /** app is steered over so many servers; 0 leaves it out. */
  readonly servers: number
  readonly algorithm: 'round-robin' | 'weighted' | 'geolocation' | 'latency' | 'learned_latency'
  /** Servers have regions, clients places, and so many networks were measured; -1: none of it. */
  readonly learnedNetworks: number
  /** Changes of state a second, while under load. */
  readonly deltasPerSecond: number
  readonly threads: number
  /** Names steered alike, app, app1 …, each over servers of its own. */
  readonly pools: number
  /** Further zones, with a name each. */
  readonly zones: number
  /** Zones are signed, unless they are too large for it. */
  readonly signed: boolean
  readonly metrics: 'off' | 'on' | 'scraped'
  /** Of response rate limiting; 0 leaves what is the default. */
  readonly responsesPerSecond: number
}

export const ZONE = 'bench.test'
export const STATIC_ADDRESS = '192.0.2.1'

export const plain: Setup = {
  names: 0,
  servers: 0,
  algorithm: 'round-robin',
  learnedNetworks: -1,
  deltasPerSecond: 0,
  threads: 1,
  pools: 1,
  zones: 0,
  signed: true,
  metrics: 'on',
  responsesPerSecond: 0,
}

/** Seven digits, so that every name has the same length whatever the size of the zone. */
const nameOf = (index: number): string => `n${String(index).padStart(7, '0')}`

/** The address of a static name. */
export const nameAddress = (index: number): string =>
  `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`

/** Servers live in 127.30.0.0 and up, where one socket can listen for all. */
export const serverAddress = (index: number, pool = 0): string =>
  `127.${30 + pool + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`

/** The name that a pool is behind. */
export const steeredName = (pool: number): string => (pool === 0 ? 'app' : `app${pool}`)

/** Its name is as long as those of `names`, and has as many labels. */
export const zoneName = (index: number): string => `z${String(index).padStart(7, '0')}.test`
export const ZONE_HOST = 'wwwww'

/** Weights that differ, the same for every server program. */
export const weightOf = (index: number): number => 10 + ((index * 7) % 91)

const SOA = `@ SOA ns1.${ZONE}. hostmaster.${ZONE}. 1 3600 600 1209600 60`

/** The zone in master file format (RFC 1035 section 5); `extra` holds what one program adds. */
export function zoneText({ names }: Setup, extra: readonly string[] = []): string {
  const lines = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 60',
    SOA,
    '@ NS ns1',
    'ns1 A 127.0.0.1',
    `www A ${STATIC_ADDRESS}`,
    'www TXT "v=bench"',
    ...extra,
  ]
  for (let index = 0; index < names; index++) lines.push(`${nameOf(index)} A ${nameAddress(index)}`)
  return `${lines.join('\n')}\n`
}

const QTYPE = { A: 1, TXT: 16, AAAA: 28 } as const

interface Question {
  readonly name: string
  readonly type?: keyof typeof QTYPE
  /** Letters of bench/native/query.h. */
  readonly flags?: string
  readonly share?: number
}

const line = (question: Question, size: number, flags: string, expected: string): string => {
  const { name, type = 'A', share = 1 } = question
  const all = `${question.flags ?? ''}${flags}`
  return [share, `${name}.${ZONE}`, size, QTYPE[type], all, expected].join(';')
}

/** A name with one static address. */
export const askStatic = (flags = '', share = 1): string =>
  line({ name: 'www', flags, share }, 1, '', `0;1;${STATIC_ADDRESS};1`)

/** Any of the static names, whose exact address is checked. */
export const askNames = (names: number, flags = '', share = 1): string =>
  line({ name: 'n#######', flags, share }, names, 'i', `0;1;${nameAddress(0)};${names}`)

/** A name that does not exist, another one each time. */
export const askMissing = (flags = '', share = 1): string =>
  line({ name: '????????????', flags, share }, 1, '', '3;0;0.0.0.0;0')

/** A type that an existing name does not have. */
export const askNoData = (flags = '', share = 1): string =>
  line({ name: 'www', type: 'AAAA', flags, share }, 1, '', '0;0;0.0.0.0;0')

export const askText = (flags = '', share = 1): string =>
  line({ name: 'www', type: 'TXT', flags, share }, 1, '', '0;0;0.0.0.0;0')

/** The names of the further zones. */
export const askZones = (zones: number): string =>
  `1;${ZONE_HOST}.z#######.test;${zones};1;i;0;1;${nameAddress(0)};${zones}`

/** A steered name. */
export const askSteered = (servers: number, flags = '', share = 1, pool = 0): string => {
  const expected = `0;1;${serverAddress(0, pool)};${servers}`
  return line({ name: steeredName(pool), flags, share }, 1, '', expected)
}
