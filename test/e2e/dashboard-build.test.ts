// Goal: what `npm run build` makes of the dashboard keeps its promises before any browser opens it.
// Method: the files of dist/dashboard, read as the program reads them.
import { describe, expect, test } from 'vitest'
import { join } from 'node:path'
import { readDashboard } from '../../src/actors/shell/ports-dashboard.ts'
import { projectRoot } from '../harness/program.ts'

const MOST_BYTES = 60 * 1_024
const files = readDashboard(join(projectRoot, 'dist', 'dashboard'))
const textOf = (path: RegExp) =>
  files
    .filter((file) => path.test(file.path))
    .map(({ body }) => Buffer.from(body).toString())
    .join('\n')

describe('the built dashboard', () => {
  test('is one page, one script and one style sheet, named after their content', () => {
    expect(files.map(({ path }) => path.replace(/-[\w-]{8}\./, '-HASH.')).sort()).toEqual([
      '/',
      '/assets/index-HASH.js',
      '/assets/style-HASH.css',
    ])
  })

  test('weighs less than 60 KB on the wire', () => {
    const bytes = files.reduce((sum, { zipped }) => sum + zipped.length, 0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(MOST_BYTES)
  })

  test('names no other origin to load from', () => {
    const page = textOf(/^\/$/)
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? '')
    expect(sources.length).toBeGreaterThan(2)
    expect(sources.filter((from) => !/^(?:\/assets\/|data:image\/svg)/.test(from))).toEqual([])
    expect(textOf(/\.css$/)).not.toMatch(/url\(|@import|https?:/)
    // Names of XML namespaces are no addresses.
    const addresses = textOf(/\.js$/).match(/https?:\/\/[\w.-]+/g) ?? []
    expect(addresses.filter((one) => one !== 'http://www.w3.org')).toEqual([])
  })

  test('has no script or style in the page itself, which the policy would refuse', () => {
    const page = textOf(/^\/$/)
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
  })
})
