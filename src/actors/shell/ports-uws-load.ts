/**
 * Loads the uWebSockets.js binary that fits this Node, after checking its sha256.
 *
 * The binaries come from the @uwsjs packages, one for each Node line, and upstream offers nothing
 * to prove them by; so the exact files that were looked at are pinned here, and no other runs.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { Uws } from './uws-types.ts'

/** By major version of Node: sha256 of `uws.node` in `@uwsjs/linux-x64-<major>`. */
const PINNED: Readonly<Record<string, string>> = {
  20: '4d482084b665c225892917ee0e9b9572d89eaa6f3dc200ff5e536293d3456c89',
  22: 'f687e7c3666b5cca9d355184bbf07bb0550f5ba0d3ffd453248ccfec552dde6c',
  24: '177efdc682425d754474bd30f9586c487fa6694f790f3406a23885d0e61c07a0',
  26: '604375741bf77780b34e7e299af9274cb1f56d73732201d19e3d8d8448176795',
}

export interface UwsOrigin {
  readonly platform: string
  /** Major version of Node. */
  readonly major: string
  readonly forced: string | undefined
  /** Path of the binary of a package; throws when it is not installed. */
  readonly find: (packageName: string) => string
  readonly pinned: Readonly<Record<string, string>>
}

const require = createRequire(import.meta.url)

export const realOrigin = (): UwsOrigin => ({
  platform: `${process.platform}-${process.arch}`,
  major: process.versions.node.split('.')[0]!,
  forced: process.env['OPENGSLB_HTTP'],
  find: (name) => join(dirname(require.resolve(`${name}/package.json`)), 'uws.node'),
  pinned: PINNED,
})

/** The library, or one sentence on why it is not to be had. Never throws. */
export function loadUws(origin: UwsOrigin = realOrigin()): Result<Uws, string> {
  const { platform, major, forced } = origin
  if (forced === 'node') return fail('OPENGSLB_HTTP=node asks for node:http')
  const expected = origin.pinned[major]
  if (platform !== 'linux-x64' || expected === undefined)
    return fail(`there is no uWebSockets.js binary for ${platform} and Node ${major}`)
  const name = `@uwsjs/linux-x64-${major}`
  let file: string
  let found: string
  try {
    file = origin.find(name)
    found = createHash('sha256').update(readFileSync(file)).digest('hex')
  } catch {
    return fail(`the package ${name} is not installed`)
  }
  if (found !== expected) return fail(`${name}: uws.node has sha256 ${found}, not ${expected}`)
  try {
    // Read once by the library, when it is loaded; its own default of 4 KiB is too small.
    process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(limits.httpHeaderBytes.default)
    return ok(require(file) as Uws)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return fail(`${name} does not load: ${reason}`)
  }
}
