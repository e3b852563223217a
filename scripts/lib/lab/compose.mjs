/**
 * What the lab reads of a compose file: hosts with their addresses, commands, environment,
 * volumes and limits.
 *
 * The file is the one that a container engine runs. Images are not built here: a host of the lab
 * sees the files of this machine, and what is in `deploy/docker/root` where the image has it.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'

const NAME = /^[a-z0-9][a-z0-9-]{0,30}$/

const wordsOf = (command) =>
  typeof command === 'string' ? ['sh', '-c', command] : (command ?? []).map(String)

function volumeOf(text, folder) {
  const [from, to, mode] = text.split(':')
  // A named volume is empty at first, and belongs to the host alone here.
  if (!from.startsWith('.')) return undefined
  return { from: join(folder, from), to, isReadOnly: mode === 'ro' }
}

const environmentOf = (given) =>
  Array.isArray(given)
    ? Object.fromEntries(given.map((line) => line.split(/=(.*)/s).slice(0, 2)))
    : Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, String(value)]))

/** Its prefix, gateway and hosts, each with name, address, words, environment and volumes. */
export function readCompose(path) {
  const folder = dirname(path)
  const { services, networks } = parse(readFileSync(path, 'utf8'), { merge: true })
  const [network] = Object.values(networks)
  const [config] = network.ipam.config
  const hosts = Object.entries(services).map(([service, entry]) => {
    const name = entry.container_name ?? service
    if (!NAME.test(name)) throw new Error(`${path}: "${name}" is no name for a host`)
    const [attached] = Object.values(entry.networks)
    return {
      name,
      address: attached.ipv4_address,
      words: [...wordsOf(entry.entrypoint), ...wordsOf(entry.command)],
      environment: environmentOf(entry.environment),
      volumes: (entry.volumes ?? []).map((one) => volumeOf(one, folder)).filter(Boolean),
      // It may change its own network, which here means: delay what it sends.
      isSlow: (entry.cap_add ?? []).includes('NET_ADMIN'),
      // As many processors as it may use; undefined is all of them.
      cpus: entry.cpus,
      // Those of an image made elsewhere have no program here.
      runsHere: entry.image === undefined || entry.build !== undefined,
    }
  })
  return {
    prefix: Number(config.subnet.split('/')[1]),
    gateway: config.gateway,
    hosts: hosts.filter(({ runsHere }) => runsHere),
  }
}
