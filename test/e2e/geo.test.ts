// Goal: every client is answered from the region that is near, with the scope that is true, by the
// built program; regions that fail hand over to the next nearest; databases are swapped while
// questions come, and a broken one is refused.
// Method: config/examples/geo.yaml with real servers on loopback addresses and the demo database.
import { spawnSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createSocket, type Socket } from 'node:dgram'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeMmdb } from '../../src/core/geo/mmdb-write.ts'
import { parsePrefix } from '../../src/core/net/address.ts'
import { type Backend, startBackends } from '../harness/backends.ts'
import { decodeReply, type Reply } from '../harness/dns-decode.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { demoDatabase } from '../../src/core/geo/demo.ts'

const TOKEN = 'a-token-of-sixteen-chars'
const NAME = 'app.global.example.com'

interface ReplayView {
  readonly replayed: readonly { readonly answer: readonly string[]; readonly same: boolean }[]
  readonly skipped: Readonly<Record<string, number>>
}

interface FlowView {
  readonly source_region: string
  readonly destination_region: string
}

const REGIONS: Readonly<Record<string, readonly string[]>> = {
  'us-east': ['127.28.0.11', '127.28.0.12'],
  'us-chicago': ['127.28.0.21'],
  'us-dallas': ['127.28.0.31'],
  'eu-west': ['127.28.0.41', '127.28.0.42'],
  'eu-london': ['127.28.0.51'],
  'ap-southeast': ['127.28.0.61', '127.28.0.62'],
}
/** Of a region that the example does not have. */
const SA_EAST = '127.28.0.71'
const regionOf = (address: string) =>
  Object.keys(REGIONS).find((region) => REGIONS[region]!.includes(address)) ?? `none: ${address}`

let backends: readonly Backend[] = []
let program: Program
let socket: Socket
let [dnsPort, apiPort, metricsPort] = [0, 0, 0]
let database = ''
const waiting = new Map<number, (reply: Reply) => void>()
let nextId = 1

function subnetOption(subnet: string): readonly [number, number[]] {
  const prefix = parsePrefix(subnet)
  if (!prefix.ok) throw new Error(prefix.error)
  const { address, length } = prefix.value
  const octets = [...address.bytes.subarray(0, (length + 7) >> 3)]
  return [8, [0, address.family === 4 ? 1 : 2, length, 0, ...octets]]
}

async function ask(subnet?: string, type = 'A'): Promise<Reply> {
  const id = nextId++ & 0xffff
  const options = subnet === undefined ? [] : [subnetOption(subnet)]
  const query = buildQuery({ name: NAME, type, id, edns: { options } })
  for (let attempt = 0; attempt < 5; attempt++) {
    const reply = await new Promise<Reply | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), 500)
      waiting.set(id, (one) => {
        clearTimeout(timer)
        resolve(one)
      })
      socket.send(query, dnsPort, '127.0.0.1')
    })
    waiting.delete(id)
    if (reply !== undefined) return reply
  }
  throw new Error('no reply')
}

/** Region of the answer, and the scope told. */
async function placed(subnet: string): Promise<readonly [string, number]> {
  const reply = await ask(subnet)
  const option = reply.opt?.options.find(([code]) => code === 8)?.[1]
  return [regionOf(String(reply.answers[0]?.data)), option?.[3] ?? -1]
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${apiPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = (text === '' ? undefined : JSON.parse(text)) as ReturnType<typeof JSON.parse>
  return { status: response.status, json }
}

function cli(...words: readonly string[]) {
  const file = join(projectRoot, 'dist/cli/main.js')
  const api = `http://127.0.0.1:${apiPort}`
  const args = [file, '--api', api, '--token', TOKEN, '--json', ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { code: status, text: stdout + stderr }
}

const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()

/** Takes the place of the file in one step, as programs that fetch databases do. */
function replaceDatabase(bytes: Uint8Array): void {
  writeFileSync(`${database}.new`, bytes)
  renameSync(`${database}.new`, database)
}

beforeAll(async () => {
  backends = await startBackends([...Object.values(REGIONS).flat(), SA_EAST])
  ;[dnsPort, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  program = new Program('')
  database = join(program.folder, 'demo.mmdb')
  writeFileSync(database, demoDatabase(1_700_000_000))
  const example = readFileSync(join(projectRoot, 'config/examples/geo.yaml'), 'utf8')
  program.configure(
    example
      .replace('/tmp/opengslb-geo', `${program.folder}/data`)
      .replace(/_path: .*/, `_path: ${database}\n    check_interval: 1s`)
      .replace('127.0.0.1:5354', `127.0.0.1:${dnsPort}`)
      .replace('"127.0.0.1:8080"', `"127.0.0.1:${apiPort}", auth: { tokens: [${TOKEN}] }`)
      .replace('127.0.0.1:9090', `127.0.0.1:${metricsPort}`)
      .replaceAll('port: 8081', `port: ${backends[0]!.port}`),
  )
  program.start()
  await program.logged('OpenGSLB running')
  socket = createSocket('udp4')
  socket.on('message', (bytes) => {
    const reply = decodeReply(new Uint8Array(bytes))
    waiting.get(reply.id)?.(reply)
  })
  await until('all regions serve', async () => {
    const { json } = await call('GET', '/health/servers')
    return json.servers.every((one: { healthy: boolean }) => one.healthy)
  })
}, 60_000)

afterAll(async () => {
  socket?.close()
  await program?.remove()
  for (const backend of backends) await backend.stop()
})

describe('the demonstration of geolocation', () => {
  test.each([
    ['8.8.8.8/32', 'us-east'],
    ['185.228.168.9/32', 'eu-west'],
    ['1.1.1.1/32', 'ap-southeast'],
    ['202.12.29.205/32', 'ap-southeast'],
    ['200.160.0.8/32', 'us-east'],
    ['10.50.100.50/32', 'us-chicago'],
    ['10.60.1.1/32', 'us-dallas'],
    ['172.16.50.50/32', 'eu-london'],
    ['192.0.2.1/32', 'us-east'],
    ['198.51.100.1/32', 'us-east'],
    ['2001:67c:2e8::1/128', 'eu-west'],
  ])('%s is answered from %s', async (subnet, region) => {
    const [found, scope] = await placed(subnet)
    expect(found).toBe(region)
    expect(scope).toBeGreaterThan(0)
    const { json } = await call('GET', `/geo/test?ip=${subnet.split('/')[0]}`)
    expect(json.region).toBe(region)
  })

  test('a mapping made by the API holds at once, survives a restart and can be ended', async () => {
    expect((await placed('10.70.1.1/32'))[0]).toBe('us-east')
    const body = { cidr: '10.70.0.0/16', region: 'eu-west', comment: 'api' }
    const made = await call('PUT', '/geo/mappings', body)
    expect([made.status, made.json]).toEqual([201, { ...body, source: 'api' }])
    expect((await placed('10.70.1.1/32'))[0]).toBe('eu-west')
    expect((await call('PUT', '/geo/mappings', { ...body, region: 'mars' })).status).toBe(400)
    expect((await call('POST', '/geo/mappings', body)).status).toBe(409)
    expect((await call('PUT', '/geo/mappings', { ...body, cidr: '10.70.0.0/33' })).status).toBe(400)
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await program.logged('OpenGSLB running')
    await until('it answers', async () => (await placed('8.8.8.8/32'))[0] === 'us-east')
    expect((await placed('10.70.1.1/32'))[0]).toBe('eu-west')
    const one = `/geo/mappings/${encodeURIComponent('10.70.0.0/16')}`
    expect((await call('DELETE', one)).status).toBe(204)
    expect((await call('DELETE', one)).status).toBe(404)
    expect((await placed('10.70.1.1/32'))[0]).toBe('us-east')
  })

  test('a region made by the API takes its countries, and gives them back when it goes', async () => {
    const client = '200.160.1.1/32'
    expect((await placed(client))[0]).toBe('us-east')
    const { regions } = (await call('GET', `/domains/${NAME}`)).json.domain
    const port = backends[0]!.port
    const check = { type: 'tcp', interval: '300ms', timeout: '200ms', healthy_threshold: 1 }
    const made = [
      await call('POST', '/regions', { name: 'sa-east', countries: ['BR'] }),
      await call('POST', '/servers', {
        ...{ service: NAME, address: SA_EAST, port, region: 'sa-east', health_check: check },
      }),
      await call('PATCH', `/domains/${NAME}`, { regions: [...regions, 'sa-east'] }),
    ]
    expect(made.map(({ status }) => status)).toEqual([201, 201, 200])
    const data = async () => String((await ask(client)).answers[0]?.data)
    await until('the new region answers', async () => (await data()) === SA_EAST)
    // Neighbours in the continent stay where they were.
    expect((await placed('8.8.8.8/32'))[0]).toBe('us-east')
    expect((await call('GET', '/geo/test?ip=200.160.1.1')).json.region).toBe('sa-east')
    const server = encodeURIComponent(`${NAME}:${SA_EAST}:${port}`)
    const gone = [
      await call('DELETE', `/servers/${server}?force=true`),
      await call('PATCH', `/domains/${NAME}`, { regions: null }),
      await call('DELETE', '/regions/sa-east'),
    ]
    expect(gone.map(({ status }) => status)).toEqual([204, 200, 204])
    await until('it is given back', async () => (await placed(client))[0] === 'us-east')
    expect((await call('GET', '/config/diff')).json.total).toBe(0)
  })

  test('without the option the address that asks decides, and scope 0 is told of no prefix', async () => {
    expect((await ask()).opt?.options).toEqual([])
    const told = (await ask('0.0.0.0/0')).opt?.options.find(([code]) => code === 8)?.[1]
    expect(told).toEqual([0, 1, 0, 0])
  })

  test('a region that nobody serves hands over to the next nearest, and takes back', async () => {
    expect((await placed('10.60.1.1/32'))[0]).toBe('us-dallas')
    const override = { healthy: false, reason: 'a test', source: 'test', force: true }
    const set = await call('PUT', `/overrides/${NAME}/127.28.0.31`, override)
    expect(set.status, JSON.stringify(set.json)).toBeLessThan(300)
    await until('handed over', async () => (await placed('10.60.1.1/32'))[0] === 'us-chicago')
    const why = await call('GET', `/explain?name=${NAME}&client=10.60.1.1&turn=0`)
    expect(why.json.verified).toBe(true)
    expect(why.json.geography.match).toBe('custom_mapping')
    expect(why.json.geography.steps.slice(0, 2)).toEqual([
      { region: 'us-dallas', outcome: 'none-healthy' },
      { region: 'us-chicago', outcome: 'answers' },
    ])
    expect((await call('DELETE', `/overrides/${NAME}/127.28.0.31`)).status).toBeLessThan(300)
    await until('taken back', async () => (await placed('10.60.1.1/32'))[0] === 'us-dallas')
  })

  test('a decision tells where its client was, and flows lead from there', async () => {
    await placed('185.228.168.9/32')
    const kept = async () => {
      const { json } = await call('GET', '/routing/decisions?limit=1')
      const [one] = json.decisions
      return one?.client_region === 'eu-west' && one.selected_region === 'eu-west'
    }
    await until('the sample is there', kept)
    const { json } = await call('GET', '/routing/flows?source_region=eu-west')
    expect(json.flows.map((one: FlowView) => one.source_region)).toContain('eu-west')
    expect(json.flows.find((one: FlowView) => one.destination_region === 'eu-west')).toBeDefined()
    expect((await call('GET', '/routing/flows?source_region=nowhere')).json.flows).toEqual([])
  })

  test('plan knows where clients are, and a capsule takes it to another process', async () => {
    const sampled = async () => {
      for (const subnet of ['185.228.168.9/32', '10.60.1.1/32', '8.8.8.0/24']) await placed(subnet)
      return (await call('GET', '/routing/decisions?limit=1')).json.total > 10
    }
    await until('the samples are there', sampled)
    const plan = cli('plan', program.configPath)
    expect([plan.code, plan.text]).toEqual([0, plan.text])
    expect(JSON.parse(plan.text).moved_share).toBe(0)
    const file = join(program.folder, 'incident.json')
    expect(cli('capsule', '-o', file).code).toBe(0)
    // The capsule alone: the database is not there any more.
    const replayed = cli('replay', file)
    const { replayed: found, skipped } = JSON.parse(replayed.text) as ReplayView
    expect([found.filter(({ same }) => !same), skipped]).toEqual([[], {}])
    const regions = new Set(
      found.map(({ answer }) => regionOf(answer.join().match(/127\.28\.0\.\d+/)?.[0] ?? '')),
    )
    for (const region of ['eu-west', 'us-dallas']) expect(regions).toContain(region)
  })

  test('decisions are counted by country and region, under every name they are known by', async () => {
    await placed('185.228.168.9/32')
    const scraped = readMetrics(await metrics())
    const sum = (name: string, labels: Readonly<Record<string, string>>) =>
      sumOf(scraped, name.replace('opengslb_', ''), labels) ?? 0
    const counted = [
      ...['opengslb_routing_geo_decisions_total', 'opengslb_geo_routing_decision'].map((name) =>
        sum(name, { country: 'GB', continent: 'EU', region: 'eu-west' }),
      ),
      ...['opengslb_routing_geo_custom_hits_total', 'opengslb_geo_custom_mapping_hit'].map((name) =>
        sum(name, { cidr: '10.60.0.0/16', region: 'us-dallas' }),
      ),
      ...['opengslb_routing_geo_fallback_total', 'opengslb_geo_fallback'].map((name) =>
        sum(name, { reason: 'no_servers_in_region' }),
      ),
      sum('opengslb_routing_geo_fallback_total', { reason: 'lookup_failed' }),
    ]
    expect(Math.min(...counted)).toBeGreaterThan(0)
    expect(counted[0]).toBe(counted[1])
    expect(counted[2]).toBe(counted[3])
    expect(counted[4]).toBe(counted[5])
    expect(sum('opengslb_geoip_database_timestamp', {})).toBe(1_700_000_000)
    expect(sum('opengslb_geoip_database_age_seconds', {})).toBeGreaterThan(1e7)
  })
})

describe('database files', () => {
  test('a broken file is refused and the old one kept', async () => {
    replaceDatabase(demoDatabase(1_700_000_000).subarray(0, 300))
    await program.logged('geo database refused')
    expect((await placed('185.228.168.9/32'))[0]).toBe('eu-west')
    expect(await metrics()).toMatch(/opengslb_geoip_database_refused_total\{[^}]*\} 1/)
  })

  test('a new file is taken over under load, without one wrong answer', async () => {
    const seen: string[] = []
    let asking = true
    const load = (async () => {
      while (asking) seen.push((await placed('185.228.168.9/32'))[0])
    })()
    await sleep(100)
    replaceDatabase(
      writeMmdb({
        type: 'OpenGSLB-Test-Country',
        ipVersion: 4,
        recordBits: 24,
        builtSeconds: 1_750_000_000,
        description: 'moved',
        networks: [
          ['185.228.168.0/24', { country: { iso_code: 'JP' }, continent: { code: 'AS' } }],
        ],
      }),
    )
    await until('moved', () => seen.at(-1) === 'ap-southeast')
    asking = false
    await load
    // One region before, the other after, and nothing between or beside.
    expect([...new Set(seen)]).toEqual(['eu-west', 'ap-southeast'])
    expect(seen.lastIndexOf('eu-west')).toBeLessThan(seen.indexOf('ap-southeast'))
    expect(program.output).toMatch(/"changedShare":0\.[0-9]+,"msg":"geo database loaded"/)
    expect(await metrics()).toMatch(/opengslb_geoip_database_timestamp\{[^}]*\} 1750000000/)
  })
})
