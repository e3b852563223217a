/**
 * The world of the signer: node:crypto, and two files that only the owner of a secret can read.
 *
 * A secret that the configuration does not give is drawn once and kept in a file with mode 0600.
 * Where keys lie that do not open, nothing is written: other keys in their place would make the
 * zones bogus for everyone who holds a DS of the old ones.
 */
import { existsSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  type StoreContents,
  type KeyStoreFault,
  NONCE_BYTES,
  SECRET_BYTES,
  openStore,
  sealKeys,
} from '../../core/dnssec/keystore.ts'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { KeysLoaded, SignerConfig, SignerPorts } from './contract.ts'
import { nodeDnssecCrypto } from './ports-crypto.ts'
import { readBounded, writeWhole } from './ports-files.ts'
import { askParent, placeOf } from './ports-parent.ts'
import { postToPeer } from './ports-peers.ts'
import { nodeSyncCrypto } from './ports-sync-crypto.ts'
import { dropImports, readImports } from './ports-imports.ts'

const SECRET_KEY = 'overwatch.dnssec.key_secret'
const SIGNATURES_LABEL = new TextEncoder().encode('OpenGSLB signatures 1')

const FAULTS: Readonly<Record<KeyStoreFault, string>> = {
  'too-large': 'is too large to be one',
  'not-a-key-store': 'is no file of keys',
  'newer-version': 'was written by a later version',
  'wrong-secret-or-damaged': `does not open: ${SECRET_KEY} is another one, or it is damaged`,
  malformed: 'holds what cannot be read',
}

const own = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

/** The secret of the configuration, else of its file, which is made where there is none. */
export async function secretOf({
  folder,
  secret,
}: Pick<SignerConfig, 'folder' | 'secret'>): Promise<Result<Uint8Array, string>> {
  if (secret !== '') return ok(own(Buffer.from(secret, 'base64')))
  const path = join(folder, 'secret')
  const read = await readBounded(path, SECRET_BYTES)
  if (read.code === 'read' && read.octets.length === SECRET_BYTES) return ok(own(read.octets))
  if (read.code !== 'absent') return fail(`${path}: is no secret of ${SECRET_BYTES} bytes`)
  const made = own(randomBytes(SECRET_BYTES))
  const written = await writeWhole(path, made)
  return written === undefined ? ok(made) : fail(`${path}: ${written}`)
}

/**
 * Whether there never were keys, or they are lost: signatures that they made still lie there, and
 * the parent may have a DS of them.
 */
function lostBeside(folder: string): KeysLoaded {
  const left = join(folder, 'signatures.sealed')
  if (!existsSync(left)) return { code: 'absent' }
  const message =
    `${join(folder, 'keys.sealed')} is not there, but ${left} is, which its keys have made: new ` +
    'keys would not be those of the DS at the parent, and the zone bogus. Put it back from a ' +
    `backup; where new keys are meant, or others have them, remove ${left} and start again`
  return { code: 'failed', message }
}

/** Keys as they lie on disk. Whoever writes them owns the data directory. */
export async function loadKeyFile(folder: string, secret: Uint8Array): Promise<KeysLoaded> {
  const path = join(folder, 'keys.sealed')
  const read = await readBounded(path, limits.keyStoreBytes.default)
  if (read.code === 'absent') return { code: 'absent' }
  if (read.code === 'failed') return { code: 'failed', message: `${path}: ${read.message}` }
  const opened = openStore(own(read.octets), secret, nodeDnssecCrypto())
  if (opened.ok) return { code: 'loaded', content: opened.value }
  return { code: 'failed', message: `${path} ${FAULTS[opened.error]}` }
}

/** Undefined once it is done, else what went wrong. */
export function saveKeyFile(
  folder: string,
  secret: Uint8Array,
  content: StoreContents,
): Promise<string | undefined> {
  const nonce = own(randomBytes(NONCE_BYTES))
  const { keys, rolls, holder } = content
  const sealed = sealKeys(keys, secret, nonce, nodeDnssecCrypto(), rolls, holder)
  return writeWhole(join(folder, 'keys.sealed'), sealed)
}

function memoryPorts(): SignerPorts {
  const crypto = nodeDnssecCrypto()
  return {
    crypto,
    verifyLater: crypto.verifyLater,
    toPkcs8: crypto.toPkcs8,
    randomBytes: (count) => own(randomBytes(count)),
    syncCrypto: nodeSyncCrypto(crypto),
    post: postToPeer,
    askParent: (zone, { servers, resolver }) =>
      askParent(zone, {
        servers: servers.map(placeOf),
        resolvers: resolver === '' ? [] : [placeOf(resolver)],
      }),
    loadKeys: async () => ({ code: 'absent' }),
    saveKeys: async () => 'saved',
    readImports: async () => ({ keys: [], faults: [] }),
    dropImports: async () => {},
    loadSignatures: async () => undefined,
    saveSignatures: async () => 'saved',
  }
}

/** The secret is looked for when it is first needed: a node that signs nothing has none. */
export function openPorts(config: SignerConfig): SignerPorts {
  const { folder } = config
  const ports = memoryPorts()
  if (folder === '') return ports
  const { crypto } = ports
  let held: Promise<Result<Uint8Array, string>> | undefined
  const secret = () => {
    held ??= secretOf(config)
    return held
  }
  const inbox = join(folder, 'import')
  const signaturesPath = join(folder, 'signatures.sealed')
  return {
    ...ports,
    loadKeys: async () => {
      const found = await readBounded(join(folder, 'keys.sealed'), limits.keyStoreBytes.default)
      if (found.code === 'absent') return lostBeside(folder)
      const own = await secret()
      if (own.ok) return await loadKeyFile(folder, own.value)
      return { code: 'failed', message: `${SECRET_KEY}: ${own.error}` }
    },
    saveKeys: async (content) => {
      const own = await secret()
      if (!own.ok) return 'failed'
      return (await saveKeyFile(folder, own.value, content)) === undefined ? 'saved' : 'failed'
    },
    readImports: () => readImports(inbox, crypto),
    dropImports: (zones) => dropImports(inbox, crypto, zones),
    loadSignatures: async () => {
      const read = await readBounded(signaturesPath, limits.signatureFileBytes.default)
      const key = await secret()
      if (read.code !== 'read' || !key.ok) return undefined
      const file = own(read.octets)
      const nonce = file.subarray(0, NONCE_BYTES)
      return crypto.open(key.value, nonce, file.subarray(NONCE_BYTES), SIGNATURES_LABEL)
    },
    saveSignatures: async (octets) => {
      const key = await secret()
      if (!key.ok) return 'failed'
      const nonce = own(randomBytes(NONCE_BYTES))
      const sealed = crypto.seal(key.value, nonce, octets, SIGNATURES_LABEL)
      const written = await writeWhole(signaturesPath, Buffer.concat([nonce, sealed]))
      return written === undefined ? 'saved' : 'failed'
    },
  }
}
