/**
 * The certificate authorities that https checks trust beside those the platform brings.
 */
import { limits } from '../base/limits.ts'
import { type Files, fileFaultText } from './files.ts'
import type { Problem } from './problems.ts'
import type { Config } from './schema/root.ts'
import { type MapNode, placeAt } from './tree.ts'

export interface Authorities {
  /** PEM, one entry a file. */
  readonly trusted: readonly string[]
  readonly problems: readonly Problem[]
}

export function readAuthorities(config: Config, tree: MapNode, files: Files): Authorities {
  const given = config.overwatch.validation.ca_file
  if (given === '') return { trusted: [], problems: [] }
  const path = ['overwatch', 'validation', 'ca_file']
  const place = placeAt(tree, path)
  const file = files.join(files.directoryOf(place.file), given)
  const refuse = (message: string): Authorities => ({
    trusted: [],
    problems: [{ severity: 'error', place, path: path.join('.'), message }],
  })
  const read = files.read(file, limits.configFileBytes.default)
  if (!read.ok) return refuse(`file ${file} ${fileFaultText[read.error]}`)
  const text = new TextDecoder().decode(read.value.bytes)
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    return refuse(`file ${file} holds no certificate (PEM)`)
  return { trusted: [text], problems: [] }
}
