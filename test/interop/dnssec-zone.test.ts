// Goal: a zone that we sign is right to the programs people trust: BIND's dnssec-verify, and
// ldns-verify-zone where it is installed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { algorithms } from '../../src/core/dnssec/algorithms.ts'
import type { ZoneKey } from '../../src/core/dnssec/dnskey.ts'
import { type SigningPlan, signZone } from '../../src/core/dnssec/sign-zone.ts'
import { formatRecord } from '../../src/core/zone/format.ts'
import { crypto, keyFor, planOf, plans, zoneFrom } from '../harness/dnssec.ts'
import { has } from '../harness/tools.ts'

const apex = 'signed.test'
const zoneText = readFileSync(new URL('./dnssec.zone', import.meta.url), 'utf8')
const allTypes = readFileSync(new URL('./zonefile-all-types.zone', import.meta.url), 'utf8')
const zone = zoneFrom(zoneText, apex)
const folder = mkdtempSync(join(tmpdir(), 'dnssec-zone-'))
afterAll(() => rmSync(folder, { recursive: true }))

function signedText(
  keys: readonly ZoneKey[],
  denial: SigningPlan['denial'],
  of = zone,
  change: (plan: SigningPlan) => SigningPlan = (plan) => plan,
): string {
  const plan = change(planOf(keys, denial, Math.floor(Date.now() / 1_000)))
  return `${signZone(of, plan, crypto).map(formatRecord).join('\n')}\n`
}

function run(command: string, args: readonly string[], signed: string) {
  const path = join(folder, 'zone.signed')
  writeFileSync(path, signed)
  const result = spawnSync(command, [...args, path], { encoding: 'utf8', timeout: 20_000 })
  return { status: result.status, text: `${result.stdout}${result.stderr}` }
}

/** `-z`: one key may sign everything, although it is marked as the one a DS points at. */
const verify = (signed: string, of = apex) => run('dnssec-verify', ['-z', '-o', of], signed)
/** The keys are told apart. */
const verifyPair = (signed: string) => run('dnssec-verify', ['-o', apex], signed)

describe.runIf(has('dnssec-verify'))('dnssec-verify', () => {
  for (const [name, algorithm] of Object.entries(algorithms))
    for (const kind of ['nsec', 'nsec3'] as const)
      test(`finds a zone of ${name} with ${kind} fully signed, by one key and by two`, () => {
        const text = signedText([keyFor(algorithm)], plans[kind])
        const one = verify(text)
        expect(one.text).toMatch(/Zone fully signed/)
        expect(one.status).toBe(0)
        if (has('ldns-verify-zone')) expect(run('ldns-verify-zone', [], text).status).toBe(0)
        const pair = [keyFor(algorithm, 'ksk'), keyFor(algorithm, 'zsk')]
        const two = verifyPair(signedText(pair, plans[kind]))
        expect(two.text).toMatch(/Zone fully signed/)
        expect(two.status).toBe(0)
      })

  test('finds a zone signed by two algorithms at once, and one with a key in waiting, right', () => {
    const both = [keyFor(13), keyFor(15)]
    expect(verify(signedText(both, plans.nsec))).toMatchObject({ status: 0 })
    const waiting = [keyFor(13), { ...keyFor(13, 'zsk'), isActive: false }]
    expect(verify(signedText(waiting, plans.nsec3))).toMatchObject({ status: 0 })
  })

  test('finds a zone of all record types right', () => {
    const of = zoneFrom(allTypes, 'example.com')
    // The keys and digests of the example are nobody's, and not those that sign.
    const records = of.records.filter(({ name }) => !/^(?:cds|cdnskey|ds)\./.test(name))
    for (const denial of [plans.nsec, plans.nsec3]) {
      const checked = verify(signedText([keyFor(13)], denial, { ...of, records }), 'example.com')
      expect(checked.text).toMatch(/Zone fully signed/)
      expect(checked.status).toBe(0)
    }
  })

  test('sees a signature that is not there, as proof that it looks', () => {
    const lines = signedText([keyFor(13)], plans.nsec).split('\n')
    const without = lines.filter((line) => !/^z\.signed\.test\. .*RRSIG A /.test(line))
    expect(without.length).toBe(lines.length - 1)
    expect(verify(without.join('\n')).status).not.toBe(0)
  })
})
