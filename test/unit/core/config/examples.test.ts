// Goal: every example file loads, and serves what its first line says.
// Method: the files as they are shipped, with the environment their variables name.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { nodeFiles } from '../../../../src/cli/config-files.ts'
import { formatProblem, type Loaded, loadConfig } from '../../../../src/core/config/load.ts'

const root = fileURLToPath(new URL('../../../../config/', import.meta.url))
const token = 'a token of tests, long enough'
const env = {
  GOSSIP_KEY: `${'A'.repeat(43)}=`,
  SERVICE_TOKEN: token,
  WEBAPP_TOKEN: token,
  API_TOKEN: token,
  SHOP_TOKEN: token,
  BLOG_TOKEN: token,
}

function yamlFiles(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) return yamlFiles(path)
    return name.endsWith('.yaml') ? [path] : []
  })
}

function loadExample(name: string): Loaded {
  const result = loadConfig(join(root, name), { files: nodeFiles(), env })
  if (!result.ok) throw new Error(result.error.map(formatProblem).join('\n'))
  return result.value
}

// Those of Prometheus have a test of their own.
const files = yamlFiles(root)
  .map((path) => relative(root, path))
  .filter((path) => !path.startsWith('prometheus/'))
const mains = files.filter((path) => !/multi-file\/(?!main)/.test(path))

test.each(mains)('%s loads', (name) => {
  expect(loadExample(name).sources.length).toBeGreaterThan(0)
})

test.each(files)('%s says in its first line what it is', (name) => {
  expect(readFileSync(join(root, name), 'utf8')).toMatch(/^# \S.{20,}/)
})

test('the multi-file example gathers what all its files hold', () => {
  const { config, sources, topology } = loadExample('examples/multi-file/main.yaml')
  expect(sources).toHaveLength(6)
  expect(config.regions.map((one) => one.name)).toEqual(['eu-west', 'us-east'])
  expect(Object.keys(config.overwatch.agent_tokens)).toHaveLength(2)
  expect(config.overwatch.geolocation.custom_mappings).toHaveLength(1)
  expect(topology.pools.map((one) => [one.name, one.members.length])).toEqual([
    ['shop.example.com', 2],
    ['blog.example.com', 1],
  ])
})

test('the HA overwatch has a zone and no names of its own; agents bring them', () => {
  const { topology, config } = loadExample('examples/ha-overwatch.yaml')
  expect(topology.zones.map((one) => one.apex)).toEqual(['gslb.example.com'])
  expect(topology.pools).toEqual([])
  expect(config.dns.default_routing_algorithm).toBe('round-robin')
})

test('the HA agent reports one web server to three overwatches, under the service they admit', () => {
  const { agent } = loadExample('examples/ha-agent.yaml').config
  expect(agent.gossip.overwatch_nodes).toHaveLength(3)
  expect(agent.backends.map(({ service, port }) => [service, port])).toEqual([['webapp', 80]])
  const admitted = loadExample('examples/ha-overwatch.yaml').config.overwatch.agent_tokens
  expect(admitted['webapp']).toBe(agent.identity.service_token)
})

test('the quickstart’s agents speak for the servers of its overwatch', () => {
  const { agent } = loadExample('quickstart-agent.yaml').config
  const { config, topology } = loadExample('quickstart.yaml')
  const { service, address, port } = agent.backends[0]!
  const keys = topology.pools.flatMap(({ members }) => members.map(({ key }) => key))
  expect(keys).toContain(`${service}:${address}:${port}`)
  expect(Object.keys(config.overwatch.agent_tokens)).toEqual([service])
  expect(agent.gossip.overwatch_nodes).toEqual([config.overwatch.gossip.bind_address])
})

test('the cluster node’s servers, which name no service, serve the domain of their regions', () => {
  const { topology, config } = loadExample('examples/cluster-node.yaml')
  expect(topology.pools[0]!.members.map((one) => one.key)).toEqual([
    'app.example.com:10.0.1.10:80',
    'app.example.com:10.0.1.11:80',
    'app.example.com:10.0.2.10:80',
  ])
  expect(config.cluster.mode).toBe('cluster')
})
