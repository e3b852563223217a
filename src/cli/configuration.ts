/**
 * The configuration of this process: read from disk, with its environment, as often as asked.
 */
import type { Result } from '../core/base/result.ts'
import type { FlagValues } from '../core/config/environment.ts'
import { type Loaded, loadConfig, type Problem } from '../core/config/load.ts'
import { nodeFiles } from './config-files.ts'

// The serial of zones that give none grows with each load, also when the clock was set back.
let serial = 0

/** The flags of the command line that change the configuration. */
export interface Overriding {
  readonly mode?: string | undefined
  readonly values?: FlagValues
}

/** Reads the configuration at `path`. */
export function load(
  path: string,
  { mode, values = {} }: Overriding = {},
): Result<Loaded, readonly Problem[]> {
  serial = Math.max(Math.floor(Date.now() / 1000), serial + 1)
  const files = nodeFiles()
  return loadConfig(path, { files, env: process.env, modeFlag: mode, flags: values, serial })
}
