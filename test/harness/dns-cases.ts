/**
 * The zones that the tables of the authority's tests ask, and a reply as one line of text: flags,
 * rcode, sections, options.
 */
import { expect, test } from 'vitest'
import { line, type Reply } from './dns-decode.ts'
import { type AskOptions, dnsWorld, type WorldParts } from './dns-world.ts'
import { DOWN, WAS_UP } from './pools.ts'

/** More than fits in one UDP reply. */
const BIG = Array.from({ length: 15 }, (_, i) => `big TXT "${String(i).padStart(100, 'x')}"`)

const ZONE = `
${BIG.join('\n')}
@            NS     ns1
@            NS     ns.other.org.
@            MX     10 mail
ns1          A      192.0.2.53
ns1          AAAA   2001:db8::53
mail         A      192.0.2.25
www          A      192.0.2.1
www          A      192.0.2.2
alias        CNAME  www
steered      CNAME  app
away         CNAME  www.other.org.
missing      CNAME  nowhere
downwards    CNAME  host.sub
loop1        CNAME  loop2
loop2        CNAME  loop1
selfie       CNAME  selfie
_sip._tcp    SRV    1 2 5060 mail
svc          HTTPS  1 mail alpn=h2
a.b.ent      A      192.0.2.3
*.wild       TXT    "star"
*.wild       MX     5 mail
host.wild    A      192.0.2.4
*.cname      CNAME  www
sub          NS     ns.sub
sub          NS     ns.other.org.
sub          DS     1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.sub       A      192.0.2.99
below.sub    A      192.0.2.98
moved        DNAME  new
moved        TXT    "own data stays"
host.new     A      192.0.2.5
under.moved  A      192.0.2.97
faroff       DNAME  other.org.
further      DNAME  a.rather.long.name.that.makes.other.names.longer
app          TXT    "beside the pool"
app          CAA    0 issue "ca.example"
child        NS     ns1
child        DS     2 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`

const texts = (owner: string, count: number, octets: number) =>
  Array.from({ length: count }, (_, i) => `${owner} TXT "${String(i).padStart(octets, 'x')}"`)
const numbers = [...Array(20).keys()]

/** Answers that fit or do not; `vast` fits over TCP alone, `huge` in no message. */
const SIZES = [
  ...texts('big', 20, 50),
  ...numbers.slice(0, 16).map((i) => `m MX ${i} h${i}\nh${i} A 192.0.2.${i}`),
  ...numbers.map((i) => `s NS n${i}.s\nn${i}.s AAAA 2001:db8::${i}`),
  ...texts('vast', 200, 250),
  ...texts('huge', 300, 250),
]

const PARTS: WorldParts = {
  zones: {
    'example.com': ZONE,
    'child.example.com': '@ NS ns1.example.com.\nx A 192.0.2.6',
    'x.org': SIZES.join('\n'),
  },
  pools: [
    { name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.10', '192.0.2.11'] },
    { name: 'dual.example.com', zone: 'example.com', addresses: ['192.0.2.12', '2001:db8::12'] },
    { name: '*.pool.example.com', zone: 'example.com', addresses: ['192.0.2.13'] },
    { name: 'deep.down.example.com', zone: 'example.com', addresses: ['192.0.2.14'] },
    {
      name: 'dead.example.com',
      zone: 'example.com',
      addresses: ['192.0.2.15'],
      words: [DOWN],
    },
    {
      name: 'last.example.com',
      zone: 'example.com',
      addresses: ['192.0.2.16'],
      words: [WAS_UP],
      spec: { whenAllDown: 'last_healthy' },
    },
    {
      name: 'several.example.com',
      zone: 'example.com',
      addresses: ['192.0.2.21', '192.0.2.22', '192.0.2.23'],
      spec: { answers: 2, policy: 'failover' },
    },
  ],
}

/** One of its own, whose turns begin anew. */
export const tableWorld = () => dnsWorld(PARTS)

export const world = tableWorld()

export const SOA = 'SOA ns1.example.com hostmaster.example.com 7 3600 600 86400 60'
export const NEGATIVE = `example.com 60 ${SOA}`

/** A reply as one text. */
export function show(reply: Reply): string {
  const section = (label: string, rrs: Reply['answers']) =>
    rrs.length === 0 ? [] : [`${label} ${rrs.map(line).sort().join(', ')}`]
  const options = reply.opt?.options.map(([code, data]) => `${code}=${data.join('.')}`) ?? []
  return [
    `${reply.flags} ${reply.rcode}`,
    ...section('AN', reply.answers),
    ...section('NS', reply.authority),
    ...section('AR', reply.additional),
    ...(options.length === 0 ? [] : [`OPT ${options.join(' ')}`]),
  ].join(' | ')
}

export type Case = readonly [
  what: string,
  name: string,
  type: string,
  shown: string,
  options?: AskOptions,
]

export function table(cases: readonly Case[]): void {
  test.each(cases.map((one) => [one[0], one] as const))('%s', (_what, one) => {
    const [, name, type, shown, options] = one
    const reply = world.ask(name, type, options)
    expect(show(reply)).toBe(shown)
    expect(reply.id).toBe(0x1234)
  })
}

export const AA = 'qr aa rd NOERROR'
export const edns = {}
