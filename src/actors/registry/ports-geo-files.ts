/**
 * Database files and the client maps made of them.
 *
 * What was read of a file is held until another takes its place, so that a new mapping costs a
 * merge and no reading. A file that cannot be taken leaves what was read before, be it of the same
 * path or of the one it takes the place of; it is read again when it is another file.
 */
import { readFileSync, statSync } from 'node:fs'
import { geoLimits } from '../../core/base/limits/geo.ts'
import { sharedMemory } from '../../core/base/memory.ts'
import { fail, type Result } from '../../core/base/result.ts'
import { type GeoFile, readGeoFile } from '../../core/geo/database.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import { changedShare, placeClients } from '../../core/geo/source.ts'
import type { GeoFileReport, GeoOrder, GeoPlaced } from './contract.ts'

/** By which a file is told from the one before. */
export function stampOf(path: string): string {
  if (path === '') return ''
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export const stampsOf = ({ databasePath, asnPath }: Pick<GeoOrder, 'databasePath' | 'asnPath'>) =>
  `${databasePath} ${stampOf(databasePath)} ${asnPath} ${stampOf(asnPath)}`

interface Held {
  readonly stamp: string
  readonly file: GeoFile | undefined
  readonly fault: string
}

function read(path: string): Result<GeoFile, string> {
  try {
    const { size } = statSync(path)
    if (size > geoLimits.geoFileBytes.default)
      return fail(`${size} bytes are more than ${geoLimits.geoFileBytes.default}`)
    return readGeoFile(readFileSync(path))
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

export class GeoFiles {
  readonly #held = new Map<string, Held>()
  /** Paths of the order before. */
  #before: Pick<GeoOrder, 'databasePath' | 'asnPath'> = { databasePath: '', asnPath: '' }
  #parts: GeoParts | undefined

  place(order: GeoOrder): GeoPlaced {
    const { databasePath, asnPath } = order
    const files = [...new Set([databasePath, asnPath])].filter((path) => path !== '')
    const standIn = (path: string) =>
      this.#held.get(path === databasePath ? this.#before.databasePath : this.#before.asnPath)
    const standIns = new Map(files.map((path) => [path, standIn(path)?.file]))
    const reports = files.map((path) => this.#look(path, standIns.get(path)))
    this.#before = { databasePath, asnPath }
    for (const path of this.#held.keys()) if (!files.includes(path)) this.#held.delete(path)
    const places = this.#held.get(databasePath)?.file?.database
    const systems = this.#held.get(asnPath)?.file?.database
    const before = this.#parts
    const parts = placeClients(order, { places, systems }, sharedMemory)
    this.#parts = parts
    const isNew = reports.some((report) => report.isNew)
    const share = isNew && before !== undefined ? { changedShare: changedShare(before, parts) } : {}
    return { code: 'placed', parts, files: reports, ...share }
  }

  /** @param standIn what was in use in its place, where another path is given now */
  #look(path: string, standIn: GeoFile | undefined): GeoFileReport {
    const stamp = stampOf(path)
    const known = this.#held.get(path)
    const isKnown = known?.stamp === stamp
    const found = isKnown ? undefined : read(path)
    const file = found === undefined || !found.ok ? (known?.file ?? standIn) : found.value
    const fault = found === undefined ? known!.fault : found.ok ? '' : found.error
    this.#held.set(path, { stamp, file, fault })
    const state = fault === '' ? 'loaded' : file === undefined ? 'missing' : 'kept'
    const { type = '', builtSeconds = 0 } = file ?? {}
    return { path, state, isNew: found?.ok === true, fault, type, builtSeconds }
  }
}
