// Goal: `--check` signs and examines all that would be served; where that is more than it tries, it
// looks at the chains of denial all the same and does not say that everything is right.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { signCheck, signerConfig } from '../../../../src/actors/roster-signer.ts'
import { checkSigning } from '../../../../src/actors/signer/ports-check.ts'
import { reportCheck, type Signed } from '../../../../src/cli/report.ts'
import { ok } from '../../../../src/core/base/result.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { beginSigning } from '../../../../src/core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../../../src/core/dnssec/signatures.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { signedParts } from '../../../harness/dnssec-serving.ts'
import { zoneOf } from '../../../harness/dns-world.ts'
import { loaded, SMALL } from '../../core/config/load-text.ts'

const of = (more: string) => loaded({ 'main.yaml': SMALL + more })
const checked = (most: number, more = '') => {
  const one = of(more)
  return checkSigning(one, signerConfig(one, ''), most)
}

afterEach(() => vi.restoreAllMocks())

describe('what is checked', () => {
  test.each(['nsec', 'nsec3', 'compact'])('is every set and the chain, with %s', async (denial) => {
    const outcome = await signCheck(of(`overwatch: { dnssec: { denial: ${denial} } }\n`))
    expect(outcome).toEqual({
      ...{ faults: [], isPartial: false },
      summary: expect.stringMatching(/^\d+ signatures validate$/),
    })
  })

  test('is nothing where nothing is signed', async () => {
    const more = 'overwatch: { dnssec: { enabled: false, security_acknowledgment: "meant" } }\n'
    expect(await signCheck(of(more))).toEqual({ faults: [], summary: '', isPartial: false })
  })

  test('is a part past the limit, and it says so', async () => {
    const { summary } = await checked(1_000)
    const all = Number(/^\d+/.exec(summary)![0])
    expect(await checked(all)).toMatchObject({ isPartial: false })
    expect(await checked(all - 1)).toEqual({
      ...{ faults: [], isPartial: true },
      summary: `${all - 1} of ${all} sets sign and validate, and the chains of denial are right`,
    })
  })

  test('has room for ten thousand steered names of four servers', () => {
    expect(limits.checkedSets.default).toBeGreaterThan(50_006)
  })

  test.each(['nsec', 'nsec3'] as const)('are the chains of %s before all is signed', (denial) => {
    const zones = [zoneOf('example.com', '@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1')]
    const { parts, plan } = signedParts({ zones, denial })
    const whole = beginSigning(parts, plan, new SignatureStore(), crypto)
    expect(whole.chainFaults()).toEqual([])
    const { gathered } = whole
    const tornZones = [...gathered.zones].map(([at, zone]) => {
      const { chain } = zone
      return [at, { ...zone, chain: { ...chain, records: chain.records.slice(1) } }] as const
    })
    const before = { ...gathered, zones: new Map(tornZones) }
    const torn = beginSigning(parts, plan, new SignatureStore(), crypto, before)
    torn.step(1)
    expect(torn.chainFaults()[0]).toContain('example.com: denial: ')
    expect(torn.finish(ownMemory)).toMatchObject({ ok: false })
  })
})

describe('what is said', () => {
  async function said(signed: Signed) {
    const texts: string[] = []
    const take = (chunk: string | Uint8Array) => texts.push(String(chunk)) > 0
    vi.spyOn(process.stdout, 'write').mockImplementation(take)
    vi.spyOn(process.stderr, 'write').mockImplementation(take)
    const code = await reportCheck('f.yaml', ok(of('')), () => Promise.resolve(signed))
    vi.restoreAllMocks()
    return { code, text: texts.join('').replace(/^.*main\.yaml.*\n/gm, '') }
  }

  test('is OK when all was looked at', async () => {
    const { code, text } = await said({ faults: [], summary: 'so many', isPartial: false })
    expect([code, text]).toEqual([0, 'f.yaml: configuration OK (DNSSEC: so many)\n'])
  })

  test('is a warning, and not OK, when only a part was', async () => {
    const { code, text } = await said({ faults: [], summary: '1 of 2 sets', isPartial: true })
    expect(code).toBe(0)
    expect(text).toContain('f.yaml: warning: DNSSEC: 1 of 2 sets; the others were not tried\n')
    expect(text).not.toContain('OK')
  })

  test('is each fault, and a code of its own', async () => {
    const { code, text } = await said({ faults: ['bad', 'worse'], summary: '', isPartial: true })
    expect(code).toBe(1)
    expect(text).toContain('error: DNSSEC: bad\nf.yaml: error: DNSSEC: worse\n')
    expect(text).not.toContain('OK')
  })
})
