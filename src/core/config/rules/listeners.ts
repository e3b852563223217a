/**
 * Listeners do not collide.
 */
import { parseEndpoint } from '../../net/address.ts'
import type { Path } from '../problems.ts'
import type { Review } from './report.ts'

interface Listener {
  readonly path: Path
  readonly address: string
}

const EVERYWHERE = new Set(['', '0.0.0.0', '::'])

function collide(a: string, b: string): boolean {
  const [left, right] = [parseEndpoint(a), parseEndpoint(b)]
  if (!left.ok || !right.ok || left.value.port === 0) return false
  if (left.value.port !== right.value.port) return false
  const [one, other] = [left.value.host, right.value.host]
  return one === other || EVERYWHERE.has(one) || EVERYWHERE.has(other)
}

/** The TCP listeners that the configuration turns on. */
function listenersOf({ config }: Review): Listener[] {
  const listeners: Listener[] = []
  const { dns, api, metrics, overwatch, cluster } = config
  const add = (on: boolean, path: Path, address: string) => {
    if (on) listeners.push({ path, address })
  }
  const answers = config.mode === 'overwatch'
  add(answers, ['dns', 'listen_address'], dns.listen_address)
  add(answers && api.enabled, ['api', 'address'], api.address)
  add(metrics.enabled, ['metrics', 'address'], metrics.address)
  add(
    answers && overwatch.gossip.encryption_key !== '',
    ['overwatch', 'gossip', 'bind_address'],
    overwatch.gossip.bind_address,
  )
  add(answers && cluster.mode === 'cluster', ['cluster', 'bind_address'], cluster.bind_address)
  return listeners
}

export function checkListeners(review: Review): void {
  const listeners = listenersOf(review)
  for (const [at, listener] of listeners.entries())
    for (const earlier of listeners.slice(0, at))
      if (collide(listener.address, earlier.address))
        review.error(listener.path, `is taken by ${earlier.path.join('.')} already`)
}
