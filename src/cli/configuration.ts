/**
 * The configuration of this process: read from disk, with its environment, as often as asked.
 */
import type { Result } from '../core/base/result.ts'
import { type Loaded, loadConfig, type Problem } from '../core/config/load.ts'
import { nodeFiles } from './config-files.ts'

// The serial of zones that give none grows with each load, also when the clock was set back.
let serial = 0

/** Reads the configuration at `path`; `mode` is that of the command line, if it gives one. */
export function load(path: string, mode?: string): Result<Loaded, readonly Problem[]> {
  serial = Math.max(Math.floor(Date.now() / 1000), serial + 1)
  return loadConfig(path, { files: nodeFiles(), env: process.env, modeFlag: mode, serial })
}
