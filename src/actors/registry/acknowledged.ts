/** Two small questions the book asks: is a configuration news, and is what was written safe. */
import { limits } from '../../core/base/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { CommitOutcome, RegistryConfig } from './contract.ts'

/** Whether two configurations serve the same, by the same rules. */
export function servesSame(held: RegistryConfig, next: RegistryConfig): boolean {
  const rules = ({ guard, agents, geo, signedZones = [] }: RegistryConfig) =>
    JSON.stringify([guard, agents, geo, signedZones])
  return next.contentHash === held.contentHash && rules(next) === rules(held)
}

/** Whether all of it reached the disk before an operator's patience ended. */
export function inTime(
  clock: Pick<Clock, 'after'>,
  writes: readonly Promise<CommitOutcome>[],
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limits.persistAckMs.default, () => resolve(false))
    void Promise.all(writes).then((outcomes) => {
      cancel()
      resolve(outcomes.every((outcome) => outcome === 'committed'))
    })
  })
}
