/**
 * Reads the dashboard that `npm run build` made, once, at the start.
 *
 * A program without one (a build of the sources alone, the tests) serves the API all the same.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { DashboardFile } from './contract.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/** Where the build puts it, seen from `dist/actors/shell`. */
const built = fileURLToPath(new URL('../../dashboard/', import.meta.url))

/** The files of a build in `folder`; none when there is no build. Never throws. */
export function readDashboard(folder = built): readonly DashboardFile[] {
  try {
    const assets = readdirSync(join(folder, 'assets'))
    return [
      fileOf('/', join(folder, 'index.html')),
      ...assets
        .filter((name) => extname(name) in TYPES)
        .map((name) => fileOf(`/assets/${name}`, join(folder, 'assets', name))),
    ]
  } catch {
    return []
  }
}

function fileOf(path: string, file: string): DashboardFile {
  const body = readFileSync(file)
  return {
    path,
    type: TYPES[extname(file)]!,
    body,
    zipped: gzipSync(body, { level: 9 }),
    hash: createHash('sha256').update(body).digest('base64url').slice(0, 22),
    isHashed: path !== '/',
  }
}
