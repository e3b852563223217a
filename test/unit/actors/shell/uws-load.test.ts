import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadUws, realOrigin } from '../../../../src/actors/shell/ports-uws-load.ts'

const origin = { ...realOrigin(), forced: undefined, platform: 'linux-x64', major: '20' }
const bytes = 'not a library'
const junk = join(mkdtempSync(join(tmpdir(), 'uws-')), 'uws.node')
writeFileSync(junk, bytes)
const sha256 = createHash('sha256').update(bytes).digest('hex')

describe('the loader falls back, with a reason', () => {
  for (const [title, changed, reason] of [
    ['when node:http is asked for', { forced: 'node' }, /^OPENGSLB_HTTP=node/],
    [
      'on another platform',
      { platform: 'linux-arm64' },
      /no uWebSockets.js binary for linux-arm64/,
    ],
    ['on a Node without a binary', { major: '21' }, /Node 21/],
    [
      'when the package is missing',
      {
        find: () => {
          throw new Error('no')
        },
      },
      /linux-x64-20 is not installed/,
    ],
    [
      'when the file is another than the pinned one',
      { find: () => junk },
      /sha256 [0-9a-f]{64}, not /,
    ],
    [
      'when the file does not load',
      { find: () => junk, pinned: { 20: sha256 } },
      /linux-x64-20 does not load/,
    ],
  ] as const) {
    test(title, () => {
      const loaded = loadUws({ ...origin, ...changed })
      expect(loaded.ok ? '' : loaded.error).toMatch(reason)
    })
  }
})
