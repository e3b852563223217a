/**
 * A zone as a node serves it at the moment, put together like a transfer of it from answers to
 * single questions, and what `ldns-verify-zone` and `dnssec-verify` make of it; beside them what
 * `drill -S` and `dnsviz` find when they ask the node.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nameToWire, wireToName } from '../../src/core/dns/names.ts'
import { typeName, types } from '../../src/core/dns/types.ts'
import type { WireRecord } from '../../src/core/dnssec/validate.ts'
import { keyTag } from '../../src/core/dnssec/keytag.ts'
import { formatRecord } from '../../src/core/zone/format.ts'
import { readMessage } from './dnssec-judge.ts'
import type { WalkNode } from './dnssec-walk-site.ts'
import { nameOf, steered, TYPES, witnesses, ZONE, zoneFile } from './dnssec-walk-zone.ts'

const execute = promisify(execFile)

interface Said {
  readonly code: number
  readonly text: string
}

async function run(command: string, args: readonly string[], input?: string): Promise<Said> {
  const options = { timeout: 60_000, maxBuffer: 1 << 26 }
  const running = execute(command, [...args], options)
  if (input !== undefined) running.child.stdin!.end(input)
  try {
    const { stdout, stderr } = await running
    return { code: 0, text: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout?: string; stderr?: string }
    return { code: Number(code ?? -1), text: `${stdout ?? ''}${stderr ?? ''}` }
  }
}

/** The types of an NSEC or NSEC3 record (RFC 4034 section 4.1.2). */
function typesOf(bitmap: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at < bitmap.length; ) {
    const [window, length] = [bitmap[at]!, bitmap[at + 1]!]
    for (let bit = 0; bit < length * 8; bit++)
      if ((bitmap[at + 2 + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) found.push(window * 256 + bit)
    at += 2 + length
  }
  return found
}

function nsecBitmap(rdata: Uint8Array): Uint8Array {
  let at = 0
  while (rdata[at] !== 0) at += rdata[at]! + 1
  return rdata.subarray(at + 1)
}
/** RFC 5155 section 3.2. */
function nsec3Next(rdata: Uint8Array): { next: string; bitmap: Uint8Array } {
  const from = 5 + rdata[4]!
  const end = from + 1 + rdata[from]!
  return { next: base32(rdata.subarray(from + 1, end)), bitmap: rdata.subarray(end) }
}
const bitsOf = ({ type, rdata }: WireRecord): readonly number[] =>
  typesOf(type === types.NSEC3 ? nsec3Next(rdata).bitmap : nsecBitmap(rdata))

/** Base 32 with extended hex digits (RFC 4648 section 7), in lower case. */
function base32(octets: Uint8Array): string {
  let bits = ''
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0')
  return (bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2).toString(32)).join('')
}

const coveredBy = (record: WireRecord) =>
  record.type === types.RRSIG ? (record.rdata[0]! << 8) | record.rdata[1]! : record.type

const isDenial = (record: WireRecord): boolean =>
  coveredBy(record) === types.NSEC || coveredBy(record) === types.NSEC3

/** The moment has no zone that could be transferred: a name fails, or lacks all its addresses. */
class Unfit extends Error {}

const lineOf = (record: WireRecord): string => {
  const { type, ttlSeconds, rdata } = record
  return formatRecord({ name: wireToName(record.owner), type, ttlSeconds, rdata })
}

/** Asks for records one by one, and keeps each once. */
class Collector {
  readonly #node: WalkNode
  readonly #lines = new Set<string>()
  /** NSEC or NSEC3 records by owner, with their signatures. */
  readonly chain = new Map<string, { record: WireRecord; lines: readonly string[] }>()

  constructor(node: WalkNode) {
    this.#node = node
  }

  get text(): string {
    const chain = [...this.chain.values()].flatMap(({ lines }) => lines)
    return `${[...this.#lines, ...chain].join('\n')}\n`
  }

  keep(record: WireRecord): void {
    this.#lines.add(lineOf(record))
  }

  /**
   * A name that has no address at the moment has another record without that type; the one with
   * the fewest types is that of the zone as it is now.
   */
  #keepDenial(records: readonly WireRecord[]): void {
    for (const record of records) {
      if (record.type === types.RRSIG) continue
      const name = wireToName(record.owner)
      const held = this.chain.get(name)
      const [more, fewer] = [held === undefined ? undefined : bitsOf(held.record), bitsOf(record)]
      if (more !== undefined && more.length === fewer.length && more.join() !== fewer.join())
        throw new Unfit(`${name} lacks all its addresses`)
      // It stands for a name without records, which a transfer would not have: only a served zone
      // says of such a name that it is there and holds nothing just now.
      if (record.type === types.NSEC3 && fewer.join() === String(types.RRSIG))
        throw new Unfit(`${name} holds nothing`)
      if (more !== undefined && more.length <= fewer.length) continue
      const own = records.filter(({ owner }) => wireToName(owner) === name)
      this.chain.set(name, { record, lines: own.map(lineOf) })
    }
  }

  async ask(name: string, type: string): Promise<readonly WireRecord[]> {
    const bytes = await this.#node.client.bytes(name, type, { dnssecOk: true })
    if (bytes === undefined) throw new Error(`${name} ${type}: silence`)
    const { answer, authority, additional, rcode } = readMessage(bytes)
    if (rcode === 'SERVFAIL') throw new Unfit(`${name} ${type}: SERVFAIL`)
    const all = [...answer, ...authority, ...additional]
    this.#keepDenial(all.filter(isDenial))
    return all
  }

  /** The set of a type at a name, with its signatures. */
  async set(name: string, type: number): Promise<void> {
    const wire = nameToWire(name)
    const owner = wire.ok ? wire.value.join() : ''
    for (const record of await this.ask(name, typeName(type)))
      if (record.owner.join() === owner && coveredBy(record) === type && !isDenial(record))
        this.keep(record)
  }
}

/** Every owner name of the zone's file, and the steered ones. */
function ownersOf(node: WalkNode): string[] {
  const lines = zoneFile(node.variant!, node.address).split('\n')
  const first = lines.map((line) => /^[^\s;$]+/.exec(line)?.[0]).filter((one) => one !== undefined)
  return [...new Set([...first, ...steered, ...witnesses])].map((name) =>
    name === '@' ? ZONE : `${name.toLowerCase()}.${ZONE}`,
  )
}

const GLUE = ['ns1.secure', 'ns.insecure', 'ns.deeper.insecure']
/** Of a hash nobody has: draws at random find what a gap of the chain hides. */
const DRAWS_MAX = 5_000

async function dumpOf(node: WalkNode): Promise<string> {
  const collector = new Collector(node)
  const isHashed = node.variant!.denial === 'nsec3'
  const glue = GLUE.map((name) => `${name}.${ZONE}`)
  for (const name of ownersOf(node)) {
    if (glue.includes(name)) {
      for (const type of [types.A, types.AAAA])
        for (const record of await collector.ask(name, typeName(type)))
          if (wireToName(record.owner) === name && record.type === type) collector.keep(record)
      continue
    }
    // A type that no name has: the answer proves which types there are. An alias gives itself.
    for (const record of await collector.ask(name, 'TYPE65399'))
      if (wireToName(record.owner) === name && coveredBy(record) === types.CNAME)
        collector.keep(record)
    if (!isHashed) await collector.set(name, types.NSEC)
  }
  await closeRing(collector, isHashed)
  await setsOf(collector, ownersOf(node), isHashed)
  return collector.text
}

/**
 * Asks for names that do not exist until each record of the ring names the next one: those of
 * delegations, and of hashes those of aliases, are in no answer but such a denial.
 */
async function closeRing(collector: Collector, isHashed: boolean): Promise<void> {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const nexts = [...collector.chain.values()].map(({ record: { rdata } }) =>
      isHashed ? `${nsec3Next(rdata).next}.${ZONE}` : wireToName(rdata),
    )
    const gap = nexts.find((next) => !collector.chain.has(next))
    if (gap === undefined) return
    // In the order of RFC 4034 section 6.1 a label with something more comes right behind it.
    await collector.ask(isHashed ? `n${draw}.${ZONE}` : gap.replace('.', '-.'), 'A')
  }
  throw new Error('the ring of the zone does not close')
}

/** The sets that bitmaps name. Of hashes it is tried, since they tell no names. */
async function setsOf(
  collector: Collector,
  owners: readonly string[],
  isHashed: boolean,
): Promise<void> {
  const ofChain = [types.NSEC, types.NSEC3, types.RRSIG] as readonly number[]
  const all = new Set([...collector.chain.values()].flatMap(({ record }) => bitsOf(record)))
  for (const name of owners) {
    const held = collector.chain.get(name)
    if (!isHashed && held === undefined) continue
    const has = held === undefined ? [...all] : bitsOf(held.record)
    for (const type of has) if (!ofChain.includes(type)) await collector.set(name, type)
  }
}

/** One of each kind of answer, for the tools that are too slow to be asked all. */
const ASKED = [
  ['www', 'A'],
  ['any.wild', 'A'],
  ['any.wild', 'MX'],
  ['missing', 'A'],
  ['deep.down', 'A'],
  ['moved', 'DNAME'],
  ['round', 'TXT'],
] as const

/** What dnsviz looks at beside the apex. */
const SEEN = ['round', 'any.wild', 'www'] as const

type Asked = readonly [relative: string, type: string]

/** Whether the node fails to answer at the moment, as a name without a server may. */
async function fails(node: WalkNode, [relative, type]: Asked): Promise<boolean> {
  const reply = await node.client.ask(nameOf(relative), type, { dnssecOk: false })
  return reply?.rcode === 'SERVFAIL'
}

/** What drill chases: each kind of answer, each type, and each policy that answers just now. */
async function chasedAt(node: WalkNode): Promise<readonly Asked[]> {
  const policies: Asked[] = []
  for (const name of steered) if (!(await fails(node, [name, 'A']))) policies.push([name, 'A'])
  return [...ASKED, ...TYPES, ...policies]
}

export interface DumpLook {
  readonly faults: readonly string[]
  /** Whether both verifiers looked: of a zone with compact denial there is no dump. */
  readonly isVerified: boolean
}

/** What the tools find wrong; undefined where the zone of this moment could not be transferred. */
export async function lookAtDump(
  node: WalkNode,
  ds: readonly string[],
): Promise<DumpLook | undefined> {
  const faults: string[] = []
  const expect = (what: string, said: Said, isRight: boolean) => {
    if (!isRight)
      faults.push(`${what}, node ${node.place}: ${said.code} ${said.text.slice(-1_500)}`)
  }
  const path = join(node.program.folder, 'dump')
  for (const name of SEEN) if (await fails(node, [name, 'A'])) return undefined
  if (!node.isCompact) {
    try {
      writeFileSync(path, await dumpOf(node))
    } catch (error) {
      if (error instanceof Unfit) return undefined
      throw error
    }
    const bind = await run('dnssec-verify', ['-z', '-o', ZONE, path])
    expect('dnssec-verify', bind, bind.code === 0 && bind.text.includes('Zone fully signed'))
    const ldns = await run('ldns-verify-zone', [path])
    expect('ldns-verify-zone', ldns, ldns.code === 0)
  }
  const anchor = `${path}.ds`
  writeFileSync(anchor, `${ds.map((one) => `${ZONE}. 1 IN DS ${one}`).join('\n')}\n`)
  for (const [relative, type] of await chasedAt(node)) {
    const where = [`@${node.address}`, '-p', String(node.ports.dns)]
    const said = await run('drill', [...where, '-S', '-k', anchor, nameOf(relative), type])
    const isRight = /Chase successful|Existence is denied/.test(said.text)
    expect(`drill -S ${relative} ${type}`, said, isRight)
  }
  const seen = await dnsviz(node, ds, path)
  expect('dnsviz', seen, seen.code === 0)
  return { faults, isVerified: !node.isCompact }
}

/**
 * Runs dnsviz: Debian 12 has one that looks for a name which its own graph library lost, and one
 * that asks the machine's resolver, so it gets the name, and a resolver that is not there.
 */
const SHIM = `import runpy, sys, types, pygraphviz
pygraphviz.release = types.SimpleNamespace(version='1.7')
sys.argv[0] = 'dnsviz'
runpy.run_path('/usr/bin/dnsviz', run_name='__main__')
`
const ENCLOSED = 'mount --bind "$0" /etc/resolv.conf && exec /usr/bin/python3 "$@"'

/** What dnsviz sees, trusting the keys that the parent has a DS of; code 0 when it is in order. */
async function dnsviz(node: WalkNode, ds: readonly string[], path: string): Promise<Said> {
  writeFileSync(`${path}.py`, SHIM)
  writeFileSync(`${path}.resolv`, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  const names = [ZONE, ...SEEN.map(nameOf)]
  const where = ['-4', '-A', '-x', `${ZONE}+:${node.address}:${node.ports.dns}`]
  const words = ['probe', '-d', '2', ...where, '-o', `${path}.probed`, ...names]
  const enclosed = ['-m', 'sh', '-c', ENCLOSED, `${path}.resolv`, `${path}.py`, ...words]
  const probed = await run('unshare', enclosed)
  if (probed.code !== 0) return probed
  const keys = readMessage((await node.client.bytes(ZONE, 'DNSKEY', { dnssecOk: false }))!)
  const tags = new Set(ds.map((one) => Number(one.split(' ')[0])))
  const anchors = keys.answer.filter(({ rdata }) => tags.has(keyTag(rdata)))
  writeFileSync(`${path}.keys`, `${anchors.map(lineOf).join('\n')}\n`)
  const files = ['-t', `${path}.keys`, '-r', `${path}.probed`]
  const grok = await run('/usr/bin/python3', [`${path}.py`, 'grok', ...files])
  // RFC 6781 section 4.1.4: signatures of a new algorithm come before their key, so that one
  // without a key is no fault.
  const wrong = /"errors"|"status": "(?:BOGUS|INVALID|EXPIRED|PREMATURE)[A-Z_]*"/
  const found = wrong.exec(grok.text)
  const isRight = grok.code === 0 && found === null && grok.text.includes('"status": "SECURE"')
  return { code: isRight ? 0 : 1, text: grok.text.slice(0, (found?.index ?? 0) + 1_000) }
}
