/**
 * The pulse between nodes that use an etcd of others: those have no members of their own and so no
 * door, but where `cluster.join_address` names one, it is opened for the pulse alone.
 *
 * Where it is, other nodes read in the store, beside the sign of life of this one. A leader without
 * such a door is believed as long as it has its key.
 */
import { advertisedOf } from '../../core/cluster/planning.ts'
import { parseEndpoint } from '../../core/net/address.ts'
import type { ClusterPorts, ExternalConfig } from './contract.ts'
import type { Pulse } from './pulse.ts'

type Settings = Pick<ExternalConfig, 'door' | 'nodeTls'>

/** URL told to the other nodes; undefined where there is no door. Throws where it has no host. */
export function outpostUrl({ door, nodeTls }: Settings, ownAddress: string): string | undefined {
  if (door === '') return undefined
  const address = advertisedOf(door, '', ownAddress)
  if (address === undefined)
    failStart(`cluster.join_address ${door}: this machine has no address to tell others; name one`)
  return `${nodeTls === undefined ? 'http' : 'https'}://${address}`
}

function failStart(message: string): never {
  throw Object.assign(new Error(message), { code: 'cluster-start' })
}

const REFUSAL = { status: 409, text: '{"error":"the members are those of another cluster"}' }

/** Opens it; rejects where that fails. What it gives closes it. */
export async function openOutpost(
  ports: Pick<ClusterPorts, 'openDoor'>,
  { door, nodeTls }: Settings,
  pulse: Pick<Pulse, 'heard'>,
): Promise<() => Promise<void>> {
  const endpoint = parseEndpoint(door)
  const { host, port } = endpoint.ok ? endpoint.value : { host: '', port: 0 }
  const opened = await ports.openDoor({
    ...{ host, port },
    ...(nodeTls === undefined ? {} : { tls: nodeTls }),
    handle: async () => REFUSAL,
    heard: (tell) => pulse.heard(tell),
  })
  if (opened.code === 'open') return () => opened.close()
  failStart(`cluster.join_address ${door}: ${opened.message}; the other nodes listen there`)
}
