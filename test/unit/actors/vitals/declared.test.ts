// Goal: saved drains that cannot be taken up are not lost: they lie beside those saved next, and
// the log says where.
// Method: the declarations with real files in a folder of their own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { VitalsConfig, VitalsPorts } from '../../../../src/actors/vitals/contract.ts'
import { Declared } from '../../../../src/actors/vitals/declared.ts'
import { loadDrains, saveDrains, setAside } from '../../../../src/actors/vitals/ports-drains.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-declared-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function declaredAt(path: string) {
  const { ctx, clock, logs } = fakeCtx('vitals')
  const files = { loadDrains, saveDrains, setAside }
  const config = { agentId: 'a1', backends: [{ key: 'web' }], drainStatePath: path, drainFile: '' }
  // Only what declarations need of either.
  const declared = new Declared(
    { clock, log: ctx.log },
    files as unknown as VitalsPorts,
    config as unknown as VitalsConfig,
    () => {},
  )
  await declared.start()
  const warned = logs.filter(({ level }) => level === 'warn')
  return { declared, warned }
}

for (const [what, make, message] of [
  ['cut', (path: string) => writeFileSync(path, '{"cut'), 'are damaged, they are not taken up'],
  ['no file', (path: string) => mkdirSync(path), 'cannot be read'],
] as const) {
  test(`saved drains that are ${what} are kept beside the next`, async () => {
    const path = join(folder, 'drains.json')
    make(path)
    const { declared, warned } = await declaredAt(path)
    const kept = `${path}.damaged`
    expect(warned).toMatchObject([{ message: `saved drains ${message}`, fields: { path, kept } }])
    expect(declared.set('all', 'a new one')).toBe('done')
    await declared.stop()
    if (what === 'cut') expect(readFileSync(kept, 'utf8')).toBe('{"cut')
    const after = await declaredAt(path)
    expect(after.warned).toEqual([])
    expect(after.declared.drains.known()).toMatchObject([{ backend: 'web', drain: { by: 'api' } }])
    await after.declared.stop()
  })
}
