/** `key token` and `audit verify`: what they print, and how they end. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../../src/actors/api/ports-access.ts'
import { openAudit } from '../../../src/actors/api/ports-audit.ts'
import { cli } from './run.ts'

describe('key token', () => {
  test('prints a token and the hash of it for the configuration', async () => {
    const { code, out } = await cli(['key', 'token', '--name', 'ci', '--role', 'read', '--json'])
    const made = JSON.parse(out)
    expect(code).toBe(0)
    expect(made).toMatchObject({ name: 'ci', role: 'read' })
    expect(made.token).toMatch(/^ogslb_[A-Za-z0-9_-]{43}$/)
    expect(made.hash).toBe(`sha256:${createHash('sha256').update(made.token).digest('hex')}`)
    expect((await cli(['key', 'token'])).out).toMatch(
      /hash: sha256:[0-9a-f]{64}\n {8}role: operate/,
    )
  })
})

describe('audit verify', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'cli-audit-')), 'audit')
  let head = ''
  beforeAll(async () => {
    const log = await openAudit({ folder, retentionMs: 1e9, maxBytes: 1e6 }, sha256)
    for (const resourceId of ['a', 'b', 'c'])
      await log.append({
        ...{ atMs: 0, action: 'update', resource: 'override', resourceId },
        ...{ actor: 'ops', actorType: 'token', status: 'success' },
      })
    head = log.state().hash
    await log.close()
  })
  afterAll(() => rmSync(join(folder, '..'), { recursive: true }))

  test('a whole log is fine, and holds the hash noted earlier', async () => {
    const { code, out } = await cli(['audit', 'verify', folder, '--head', head])
    expect(out).toBe(`4 records in 1 segments; newest hash ${head}`)
    expect(code).toBe(0)
  })

  test('a hash that is not in it means that newer records are missing', async () => {
    const { code, err } = await cli(['audit', 'verify', folder, '--head', 'f'.repeat(64)])
    expect(code).toBe(1)
    expect(err).toMatch(/newer records are missing/)
  })

  test('a changed record is named, by segment and line', async () => {
    const path = join(folder, readdirSync(folder)[0]!)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace('"b"', '"x"'))
    const { code, out, err } = await cli(['audit', 'verify', folder])
    writeFileSync(path, text)
    expect(code).toBe(1)
    expect(out).toMatch(/^00000001\.log, line 3: the hash does not follow/)
    expect(err).toMatch(/the chain is broken/)
  })

  test('a folder without a log is an error', async () => {
    expect((await cli(['audit', 'verify', tmpdir()])).err).toMatch(/holds no segment/)
    expect((await cli(['audit', 'verify', join(folder, 'none')])).err).toMatch(/ENOENT/)
  })
})
