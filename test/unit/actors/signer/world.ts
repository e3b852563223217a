/** A signer with keys on a disk in memory, and something to sign. */
import type { SignerConfig, SignerPorts } from '../../../../src/actors/signer/contract.ts'
import type { KeysSet } from '../../../../src/actors/signer/keys.ts'
import { signer } from '../../../../src/actors/signer/actor.ts'
import { nodeSyncCrypto } from '../../../../src/actors/signer/ports-sync-crypto.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { fail } from '../../../../src/core/base/result.ts'
import { servingParts } from '../../../../src/core/dns/serving.ts'
import type { StoredKey } from '../../../../src/core/dnssec/keyfile.ts'
import type { StoreContents } from '../../../../src/core/dnssec/keystore.ts'
import { defaultLifetimes } from '../../../../src/core/dnssec/lifetimes.ts'
import type { ApexRecords } from '../../../../src/core/dnssec/serving-plan.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { sealZones } from '../../../../src/core/zone/sealed.ts'
import { tableOf } from '../../../../src/core/zone/table-source.ts'
import type { ProductCatalogue } from '../../../../src/messages/catalogue.ts'
import type { MessageOf } from '../../../../src/messages/entry.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { crypto, zoneFrom } from '../../../harness/dnssec.ts'

export const ZONE = 'signed.test'
const TEXT = '@ 60 SOA ns1 host 1 3600 600 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww TXT "a"\n'

export const pool = (more: Partial<ServingPool> = {}): ServingPool => ({
  ...{ name: `app.${ZONE}`, zone: ZONE, ttlSeconds: 5, policy: 'round-robin', answers: 1 },
  ...{ whenAllDown: 'servfail', fallback: [], slot: 0 },
  members: [1, 2, 3].map((host) => ({
    ...{ key: `k${host}`, address: `10.0.0.${host}`, port: 80, region: 'r', weight: 1 },
  })),
  ...more,
})

export const configOf = (more: Partial<SignerConfig> = {}): SignerConfig => ({
  ...{ node: 'one', enabled: true, zones: [{ zone: ZONE, ttlSeconds: 60 }], algorithm: 13 },
  ...{ isSplit: false, denial: { kind: 'nsec' }, lifetimes: defaultLifetimes },
  ...{ cds: true, cdsDelete: false },
  ...{ dnskeyTtlSeconds: 300, folder: '/keys', secret: '' },
  roll: {
    ...{ safetySeconds: 60, parentSeconds: 60, zskLifetimeSeconds: 0, kskLifetimeSeconds: 0 },
  },
  keySync: {
    ...{ isEnabled: true, peers: [], pollMs: 3_600_000, timeoutMs: 30_000, retryMs: 2_000 },
    ...{ secrets: ['a secret of the overwatches'], forgetAfterMs: 1_209_600_000 },
  },
  parent: { pollMs: 0, servers: [], resolver: '' },
  ...more,
})

export interface Disk {
  keys?: StoreContents
  signatures?: Uint8Array
  imports: StoredKey[]
  held?: readonly string[]
  isBroken: boolean
}

export const emptyDisk = (): Disk => ({ imports: [], isBroken: false })

export const portsOn = (disk: Disk): SignerPorts => ({
  crypto,
  randomBytes: (count) => new Uint8Array(count).fill(7),
  loadKeys: async () =>
    disk.keys === undefined ? { code: 'absent' } : { code: 'loaded', content: disk.keys },
  syncCrypto: nodeSyncCrypto(crypto),
  post: async () => fail('nobody is there'),
  askParent: async () => [],
  saveKeys: async (content) => {
    if (disk.isBroken) return 'failed'
    disk.keys = structuredClone(content)
    return 'saved'
  },
  readImports: async () => ({ keys: disk.imports, faults: [], held: disk.held ?? [] }),
  dropImports: async (zones) => {
    disk.imports = disk.imports.filter(({ zone }) => !zones.includes(zone))
  },
  loadSignatures: async () => disk.signatures,
  saveSignatures: async (octets) => {
    disk.signatures = octets
    return 'saved'
  },
})

type Told<Id extends keyof ProductCatalogue> = MessageOf<ProductCatalogue, Id>

interface Start {
  readonly disk?: Disk
  readonly config?: SignerConfig
  readonly incarnation?: number
  readonly startUnixMs?: number
  readonly ports?: Partial<SignerPorts>
}

/** What the registry would compile of the zone and the pools, with what stands at the apexes. */
export function draftOf({ version, zones: apexes }: KeysSet, epoch: number, pools = [pool()]) {
  const zones = sealZones([zoneFrom(TEXT, ZONE)])
  const names = pools.map(({ name }) => name).join('\n')
  const table = tableOf({ zones, apexes, names, seed: 1 }, ownMemory)
  return { epoch, keysVersion: version, parts: servingParts(table, pools, ownMemory) }
}

export async function start({ disk = emptyDisk(), config = configOf(), ...rest }: Start = {}) {
  const world = fakeCtx('signer', rest)
  const ports = { ...portsOn(disk), ...rest.ports }
  const behaviour = await signer.start(world.ctx, ports, config)
  const said = <Id extends keyof ProductCatalogue>(id: Id) =>
    world.published.filter(([name]) => name === id).map(([, message]) => message as Told<Id>)
  const keysSet = () => said('signer.keys-set').at(-1)!
  let epoch = 0
  return {
    ...world,
    behaviour,
    disk,
    said,
    keysSet,
    draft: (pools = [pool()], apexes: readonly ApexRecords[] = keysSet().zones) =>
      draftOf({ ...keysSet(), zones: apexes }, ++epoch, pools),
    give: async (draft: Told<'registry.serving-drafted'>) => {
      behaviour.receive['registry.serving-drafted'](draft)
      await world.clock.advanceAsync(50)
    },
    signed: () => said('signer.serving-signed'),
    lastSigned: () => world.logs.filter(({ message }) => message === 'signed').at(-1)?.fields,
    list: async (zone?: string) =>
      behaviour.receive['api.list-keys'](zone === undefined ? {} : { zone }),
  }
}
