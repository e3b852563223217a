/**
 * Which changes of a reload take effect only after a restart.
 */
import type { z } from 'zod'
import { noteOf } from './keys.ts'
import { type Config, configSchema } from './schema/root.ts'
import { shapeOf } from './walk.ts'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Paths of the keys that differ and that a running process does not follow, in schema order. */
export function restartNeeded(oldConfig: Config, newConfig: Config): string[] {
  const paths: string[] = []
  const visit = (schema: z.ZodType, before: unknown, after: unknown, path: string): void => {
    if (noteOf(schema)?.restart === true && !same(before, after)) paths.push(path)
    const shape = shapeOf(schema)
    if (shape.kind !== 'keys') return
    for (const [name, inner] of Object.entries(shape.shape)) {
      const [old, now] = [before, after].map(
        (value) => (value as Record<string, unknown> | undefined)?.[name],
      )
      visit(inner, old, now, path === '' ? name : `${path}.${name}`)
    }
  }
  visit(configSchema, oldConfig, newConfig, '')
  // Keys of gossip are followed, but whether there is any is decided at the start.
  const isOn = ({ overwatch }: Config) => overwatch.gossip.encryption_key !== ''
  if (isOn(oldConfig) !== isOn(newConfig)) paths.push('overwatch.gossip.encryption_key')
  return paths
}
