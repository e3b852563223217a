// Goal: keys travel to BIND and back: its files are ours, ours are its, and what it signs with them
// our validator accepts.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type AlgorithmName, algorithms } from '../../src/core/dnssec/algorithms.ts'
import { rdataOfKey, tagOfKey } from '../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../src/core/dnssec/ds.ts'
import {
  keyFileName,
  privateKeyFile,
  publicKeyFile,
  readKeyFiles,
} from '../../src/core/dnssec/keyfile.ts'
import { checkKeys, checkSet, wireRecords } from '../../src/core/dnssec/validate.ts'
import { typeNumber, types } from '../../src/core/dns/types.ts'
import type { RecordSpec } from '../../src/core/steer/topology.ts'
import { formatRdata, parseRdata } from '../../src/core/zone/rdata.ts'
import { lexValue } from '../../src/core/zone/zonefile-lexer.ts'
import { crypto, keyFor } from '../harness/dnssec.ts'
import { wire } from '../harness/dnssec-denial.ts'
import { has } from '../harness/tools.ts'

const apex = 'signed.test'
const folder = mkdtempSync(join(tmpdir(), 'dnssec-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(command: string, ...args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, cwd: folder })
  if (result.status !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`)
  return result.stdout
}

const fileOf = (name: string) => readFileSync(join(folder, name), 'utf8')

/** A zone as dnssec-signzone writes it with `-O full`: a record a line. */
function recordsOf(text: string): RecordSpec[] {
  return text.split('\n').flatMap((line) => {
    const [name, ttl, , type, ...rest] = line.split(/\s+/)
    if (name === undefined || rest.length === 0 || name.startsWith(';')) return []
    const tokens = lexValue(rest.join(' '))
    const rdata = tokens.ok ? parseRdata(typeNumber(type!)!, tokens.value, '') : tokens
    if (!rdata.ok) throw new Error(`${line}: ${rdata.error}`)
    const known = { name: name.replace(/\.$/, ''), type: typeNumber(type!)! }
    return [{ ...known, ttlSeconds: Number(ttl), rdata: rdata.value }]
  })
}

const found = has('dnssec-keygen', 'dnssec-dsfromkey', 'dnssec-signzone')

describe.runIf(found)('BIND', () => {
  test.each(Object.entries(algorithms))('%s: its key files are keys to us', (name, algorithm) => {
    const bits = algorithm < 13 ? ['-b', '2048'] : []
    run('dnssec-keygen', '-q', '-a', name, ...bits, '-f', 'KSK', apex)
    const prefix = `K${apex}.+0${String(algorithm).padStart(2, '0')}+`
    const file = readdirSync(folder).find((own) => own.startsWith(prefix) && own.endsWith('.key'))!
    const base = file.replace(/\.key$/, '')
    const read = readKeyFiles(fileOf(file), fileOf(`${base}.private`))
    expect(read).toMatchObject({ ok: true, value: { zone: apex, role: 'csk' } })
    if (!read.ok) return
    expect(crypto.isPair(read.value)).toBe(true)
    expect(keyFileName(read.value)).toBe(base)
    expect(read.value.times.created).toBeGreaterThan(1_700_000_000)
    for (const [digest, word] of [
      [2, 'SHA-256'],
      [4, 'SHA-384'],
    ] as const) {
      const ds = dsRdata(wire(apex), rdataOfKey(read.value), digest, crypto)
      const line = run('dnssec-dsfromkey', '-a', word, file)
      expect(line.trim()).toBe(`${apex}. IN DS ${formatRdata(types.DS, ds)}`)
    }
  })

  test.each(Object.entries(algorithms) as [AlgorithmName, 8 | 10 | 13 | 14 | 15][])(
    '%s: our key files are keys to it, and what it signs with them is signed to us',
    (_name, algorithm) => {
      const now = Math.floor(Date.now() / 1_000)
      const times = { created: now - 60, publish: now - 60, activate: now - 60 }
      const key = { ...keyFor(algorithm), zone: apex, times }
      const base = keyFileName(key)
      writeFileSync(join(folder, `${base}.key`), publicKeyFile(key))
      writeFileSync(join(folder, `${base}.private`), privateKeyFile(key))
      const text = readFileSync(new URL('./dnssec.zone', import.meta.url), 'utf8')
      writeFileSync(join(folder, 'zone'), `${text}$INCLUDE ${base}.key\n`)
      run('dnssec-signzone', '-q', '-z', '-O', 'full', '-o', apex, '-f', 'signed', 'zone', base)
      const records = recordsOf(fileOf('signed'))
      const setOf = (signature: RecordSpec) => {
        const covered = signature.rdata[0]! * 256 + signature.rdata[1]!
        const own = records.filter(({ name, type }) => name === signature.name && type === covered)
        return { records: wireRecords(own), signatures: wireRecords([signature]) }
      }
      const signatures = records.filter(({ type }) => type === types.RRSIG)
      const ds = [2, 4].map((digest) =>
        dsRdata(wire(apex), rdataOfKey(key), digest as 2 | 4, crypto),
      )
      const keysSigned = signatures.find(({ rdata }) => rdata[1] === types.DNSKEY)!
      const context = { zone: wire(apex), nowSeconds: now, ttl: 'exact' } as const
      const keys = checkKeys(setOf(keysSigned), ds, context, crypto)
      expect(keys).toMatchObject({ ok: true, value: [{ tag: tagOfKey(key) }] })
      if (!keys.ok) return
      expect(signatures.length).toBeGreaterThan(80)
      for (const signature of signatures) {
        const checked = checkSet(setOf(signature), { ...context, keys: keys.value }, crypto)
        expect(checked, `${signature.name} ${signature.rdata[1]}`).toMatchObject({ ok: true })
      }
    },
  )
})
