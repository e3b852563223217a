/**
 * The static records of the zones: those written in YAML and those of zone files, read and checked.
 *
 * A fault of a YAML record is told where the record stands in the configuration, one of a zone
 * file by that file's own line and column.
 */
import { limits } from '../base/limits.ts'
import type { PoolSpec, RecordSpec, SoaSpec, ZoneSpec } from '../steer/topology.ts'
import { checkZone } from '../zone/check.ts'
import { Holders } from '../zone/check-holders.ts'
import { parseRecord } from '../zone/records.ts'
import { readZoneFile } from '../zone/zonefile.ts'
import type { ZoneContent } from './authority.ts'
import { type Files, fileFaultText } from './files.ts'
import { asWritten, type MapNode, placeAt } from './tree.ts'
import { formatPath, type Path, type Place, type Problem, showValue } from './problems.ts'
import type { Config, RecordConfig, ZoneConfig } from './schema/root.ts'

export interface ZoneContents {
  readonly contents: ReadonlyMap<string, ZoneContent>
  readonly problems: readonly Problem[]
  /** Where each record was written, for what is found out about it later. */
  readonly places: ReadonlyMap<RecordSpec, Place>
  /** Zone files that were read. */
  readonly sources: readonly string[]
  /** Apexes of zones of which some record could not be read. */
  readonly partial: ReadonlySet<string>
}

class ZoneReader {
  readonly problems: Problem[] = []
  readonly places = new Map<RecordSpec, Place>()
  readonly sources: string[] = []
  private readonly tree: MapNode
  private readonly files: Files
  private readonly defaultTtlSeconds: number

  constructor(tree: MapNode, files: Files, defaultTtlSeconds: number) {
    this.tree = tree
    this.files = files
    this.defaultTtlSeconds = defaultTtlSeconds
  }

  private tell(path: Path, message: string, extra: Partial<Problem> = {}): void {
    this.problems.push({
      severity: 'error',
      place: placeAt(this.tree, path),
      path: formatPath(asWritten(this.tree, path)),
      message,
      ...extra,
    })
  }

  read(zone: ZoneConfig, index: number): ZoneContent {
    const path: Path = ['dns', 'zones', index]
    const file = zone.file === '' ? { records: [] } : this.readFile(zone, [...path, 'file'])
    const records = zone.records.flatMap((record, at) =>
      this.readRecord(record, zone.name, [...path, 'records', at]),
    )
    return { ...file, records: [...file.records, ...records] }
  }

  private readRecord(record: RecordConfig, apex: string, path: Path): RecordSpec[] {
    const values = record.value === undefined ? record.values : [record.value, ...record.values]
    if (values.length === 0)
      this.tell(path, 'has no data', { hint: 'give `value`, or `values` for several' })
    if (record.value !== undefined && record.values.length > 0)
      this.tell([...path, 'values'], 'stands beside `value`', { hint: 'keep one of the two' })
    const specs: RecordSpec[] = []
    for (const [index, value] of values.entries()) {
      const input = { ...record, value, ttlSeconds: record.ttl ?? this.defaultTtlSeconds }
      const read = parseRecord(input, apex)
      const at = record.value === undefined ? ['values', index] : ['value']
      if (read.ok) {
        this.places.set(read.value, placeAt(this.tree, [...path, ...at]))
        specs.push(read.value)
      } else this.tell([...path, ...at], read.error, { value: showValue(value) })
    }
    return specs
  }

  private readFile(
    zone: ZoneConfig,
    path: Path,
  ): { soa?: SoaSpec; records: readonly RecordSpec[] } {
    const from = placeAt(this.tree, path)
    const file = this.files.join(this.files.directoryOf(from.file), zone.file)
    const bytes = this.files.read(file, limits.configZoneFileBytes.default)
    if (!bytes.ok) {
      this.tell(path, `file ${file} ${fileFaultText[bytes.error]}`)
      return { records: [] }
    }
    this.sources.push(file)
    // Zone files are octets; what is not UTF-8 is told by the reader as a strange character.
    const text = new TextDecoder('utf-8').decode(bytes.value.bytes)
    const { file: content, faults } = readZoneFile(text, {
      origin: zone.name,
      file,
      defaultTtlSeconds: this.defaultTtlSeconds,
    })
    for (const [at, record] of content.records.entries())
      this.places.set(record, { file, line: content.lines[at] ?? 1, column: 1 })
    for (const { line, column, message } of faults)
      this.problems.push({ severity: 'error', place: { file, line, column }, path: '', message })
    return content
  }
}

/** Reads the records of every zone. */
export function readZones(config: Config, tree: MapNode, files: Files): ZoneContents {
  const reader = new ZoneReader(tree, files, config.dns.default_ttl)
  const contents = new Map<string, ZoneContent>()
  const partial = new Set<string>()
  for (const [index, zone] of config.dns.zones.entries()) {
    const faults = reader.problems.length
    contents.set(zone.name, reader.read(zone, index))
    if (reader.problems.length > faults) partial.add(zone.name)
  }
  const { problems, places, sources } = reader
  return { contents, problems, places, sources, partial }
}

const MADE_UP =
  'give dns.zones[].name_servers with addresses, or a specific address in dns.listen_address'

/** Whether the records of each configured zone make sense together and beside steered names. */
export function checkZones(
  config: Config,
  tree: MapNode,
  zones: readonly ZoneSpec[],
  pools: readonly PoolSpec[],
  { places, partial }: Pick<ZoneContents, 'places' | 'partial'>,
): readonly Problem[] {
  const byApex = new Map(zones.map((zone) => [zone.apex, zone]))
  const steeredIn = new Map<string, string[]>()
  for (const pool of pools) {
    const names = steeredIn.get(pool.zone)
    if (names === undefined) steeredIn.set(pool.zone, [pool.name])
    else names.push(pool.name)
  }
  const holders = new Holders(zones)
  return config.dns.zones.flatMap(({ name }, index) => {
    const zone = byApex.get(name)
    if (zone === undefined) return []
    const path: Path = ['dns', 'zones', index]
    const findings = checkZone(zone, steeredIn.get(name) ?? [], partial.has(name))
    return [...findings, ...holders.check(zone)].map(({ severity, message, record }): Problem => {
      const spec = record === undefined ? undefined : zone.records[record]
      const written = spec && places.get(spec)
      const place = written ?? placeAt(tree, path)
      const problem = { severity, place, path: formatPath(asWritten(tree, path)), message }
      const madeUp = spec !== undefined && written === undefined
      return madeUp ? { ...problem, hint: MADE_UP } : problem
    })
  })
}
