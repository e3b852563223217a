/**
 * `${VAR}` in a value: filled from the environment after the YAML was parsed, so that what a
 * variable holds can never become a key, a comment or another value.
 *
 * `${VAR:-default}` uses the default when VAR is unset or empty, as a shell does; `$$` is a dollar
 * sign; a dollar sign before anything else stands for itself. An unset variable is an error, and
 * what a variable holds is not looked at again for further `${…}`.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: messages show what users write.
import { limits } from '../base/limits.ts'
import { nearest } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Interpolated {
  readonly text: string
  readonly faults: readonly { readonly message: string; readonly hint: string }[]
}

const REFERENCE = /\$\$|\$\{([^}]*)\}|\$\{/g
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

export function interpolate(written: string, environment: Environment): Interpolated {
  if (!written.includes('$')) return { text: written, faults: [] }
  const faults: { message: string; hint: string }[] = []
  const lookUp = (name: string) =>
    Object.hasOwn(environment, name) ? environment[name] : undefined

  const resolve = (whole: string, inside: string | undefined): string => {
    if (whole === '$$') return '$'
    const match = inside === undefined ? null : NAME.exec(inside)
    // A default ends at the first brace, so one within another would be cut in two.
    if (match === null || match[2]?.includes('${') === true) {
      faults.push({
        message: 'holds a reference that is not ${NAME} or ${NAME:-default}',
        hint: 'write $$ for a dollar sign',
      })
      return ''
    }
    const name = match[1]!
    const value = lookUp(name)
    if (match[2] !== undefined) return value === undefined || value === '' ? match[2] : value
    if (value !== undefined) return value
    const near = nearest(name, Object.keys(environment))
    const offer = near === undefined ? '' : `did you mean \${${near}}? `
    faults.push({
      message: `names the environment variable ${name}, which is not set`,
      hint: `${offer}\${${name}:-…} gives a default, $$ is a dollar sign`,
    })
    return ''
  }

  const text = written.replace(REFERENCE, resolve)
  if (text.length > limits.configTextChars.default && text.length > written.length)
    return {
      text: '',
      faults: [{ message: 'is too long after ${…} was filled in', hint: 'shorten the variable' }],
    }
  return { text, faults }
}
