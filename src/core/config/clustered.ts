/**
 * Cluster mode in the words of an overwatch: what `cluster.…` says of names, gossip and checks is
 * what `overwatch.…` means, so that nothing behind the configuration has to know both.
 *
 * A key that the file gives under `overwatch` stays as it is given.
 */
import { formatEndpoint, parseEndpoint } from '../net/address.ts'
import type { Config } from './schema/root.ts'

type Given = (...path: string[]) => boolean
type Overwatch = Config['overwatch']

export const isClustered = ({ mode, cluster }: Config): boolean =>
  mode === 'overwatch' && cluster.mode === 'cluster'

/** `given` says whether the file, the environment or a flag gives a key. */
export function clustered(config: Config, given: Given): Config {
  if (!isClustered(config)) return config
  const { overwatch } = config
  return {
    ...config,
    overwatch: {
      ...overwatch,
      ...namedOf(config, given),
      gossip: gossipOf(config, given),
      peering: peeringOf(config, given),
      validation: validationOf(config, given),
    },
  }
}

function namedOf({ overwatch, cluster }: Config, given: Given): Partial<Overwatch> {
  if (cluster.node_name === '' || given('overwatch', 'identity', 'node_id')) return {}
  return { identity: { ...overwatch.identity, node_id: cluster.node_name } }
}

function gossipOf({ overwatch, cluster }: Config, given: Given): Overwatch['gossip'] {
  const { gossip } = overwatch
  const { encryption_key, probe_interval, probe_timeout } = cluster.gossip
  const own = (name: string) => given('overwatch', 'gossip', name)
  return {
    ...gossip,
    ...(own('encryption_key') ? {} : { encryption_key }),
    ...(own('probe_interval') ? {} : { probe_interval }),
    ...(own('probe_timeout') ? {} : { probe_timeout }),
  }
}

/** The nodes gossip with those they joined, on the port of gossip. */
function peeringOf({ overwatch, cluster }: Config, given: Given): Overwatch['peering'] {
  const { peering, gossip } = overwatch
  const own = parseEndpoint(gossip.bind_address)
  if (given('overwatch', 'peering', 'bootstrap_peers') || !own.ok) return peering
  const peers = cluster.join.flatMap((address) => {
    const joined = parseEndpoint(address)
    return joined.ok ? [formatEndpoint(joined.value.host, own.value.port)] : []
  })
  return { ...peering, bootstrap_peers: peers }
}

function validationOf({ overwatch, cluster }: Config, given: Given): Overwatch['validation'] {
  const { validation } = overwatch
  const { external_check_interval, veto_mode, veto_threshold } = cluster.overwatch
  const asks = (name: string, own: string) =>
    given('cluster', 'overwatch', name) && !given('overwatch', 'validation', own)
  return {
    ...validation,
    ...(asks('external_check_interval', 'check_interval')
      ? { check_interval: external_check_interval }
      : {}),
    ...(asks('veto_mode', 'veto_mode') ? { veto_mode } : {}),
    ...(asks('veto_threshold', 'veto_threshold') ? { veto_threshold } : {}),
  }
}
