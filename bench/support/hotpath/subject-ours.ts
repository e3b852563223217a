/**
 * OpenGSLB itself, as it is built, with everything on that is on by default, and metrics.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeltas } from './deltas.ts'
import { root } from './native.ts'
import { Pinned } from './pinned.ts'
import { networkOf, placesYaml, writePlaces } from './places.ts'
import { scrape } from './scrapes.ts'
import {
  nameAddress,
  plain,
  type Setup,
  serverAddress,
  steeredName,
  weightOf,
  ZONE,
  ZONE_HOST,
  zoneName,
  zoneText,
} from './setup.ts'
import { freePort, type Running, type Start, type Subject } from './subject.ts'
import { newFolder, untilAnswering, untilListening, untilQuiet } from './subject.ts'

/** Checks rest for so long that none falls into a round. */
const INTERVAL = '1h'

/**
 * Settings that an older build may not know, so that one harness measures old and new ones.
 */
const OPTIONAL: readonly (readonly [name: string, of: (setup: Setup) => string])[] = [
  ['threads', ({ threads }) => `threads: ${threads}`],
]

/** Signing more takes minutes, and nobody compared signs: such a zone is served as theirs. */
const SIGNED_NAMES_MAX = 100_000
const UNSIGNED = `  dnssec:
    enabled: false
    security_acknowledgment: "The zones of the others are not signed either."
`

const serversOf = ({ servers }: Setup, pool: number, checkedPort: number): string =>
  Array.from({ length: servers }, (_, index) => {
    const weight = `weight: ${weightOf(index)}`
    const address = `address: ${serverAddress(index, pool)}, port: ${checkedPort}`
    return `      - { ${address}, ${weight}, service: ${steeredName(pool)}.${ZONE} }`
  }).join('\n')

function poolYaml(setup: Setup, pool: number, checkedPort: number): string {
  const region = pool === 0 ? 'local' : `local${pool}`
  const name = `name: ${steeredName(pool)}.${ZONE}, regions: [${region}]`
  return `regions:
  - name: ${region}
    servers:
${serversOf(setup, pool, checkedPort)}
    health_check: { type: tcp, interval: ${INTERVAL}, timeout: 5s, success_threshold: 1 }
domains:
  - { ${name}, routing_algorithm: ${setup.algorithm}, ttl: 60 }`
}

/** A file takes some 80,000 servers, so that further names have files of their own. */
const furtherPools = ({ pools }: Setup): { readonly pool: number; readonly file: string }[] =>
  Array.from({ length: pools - 1 }, (_, at) => ({ pool: at + 1, file: `pool${at + 1}.yaml` }))

function includesYaml(setup: Setup): string {
  const files = furtherPools(setup).map(({ file }) => file)
  return files.length === 0 ? '' : `includes: [${files.join(', ')}]\n`
}

const zonesYaml = ({ zones }: Setup): string =>
  Array.from({ length: zones }, (_, index) => {
    const record = `{ name: ${ZONE_HOST}, type: A, value: ${nameAddress(index)} }`
    return `    - { name: ${zoneName(index)}, records: [ ${record} ] }\n`
  }).join('')

const isUnsigned = ({ names, signed }: Setup): boolean => !signed || names > SIGNED_NAMES_MAX

function limitYaml({ responsesPerSecond }: Setup): string {
  return responsesPerSecond === 0
    ? ''
    : `  rate_limit: { responses_per_second: ${responsesPerSecond} }\n`
}

interface Ports {
  readonly dns: number
  readonly api: number
  readonly metrics: number
  readonly checked: number
}

function yamlOf(setup: Setup, folder: string, ports: Ports, known: readonly string[]): string {
  const optional = OPTIONAL.filter(([name]) => known.includes(name)).map(([, of]) => of(setup))
  const placed = setup.learnedNetworks >= 0
  const places = placesYaml(setup, folder, ports.checked, INTERVAL)
  const steered = setup.servers > 0 ? poolYaml(setup, 0, ports.checked) : ''
  const enabled = setup.metrics !== 'off'
  return `${includesYaml(setup)}dns:
  listen_address: "127.0.0.1:${ports.dns}"
  default_ttl: 60
${optional.map((line) => `  ${line}\n`).join('')}${limitYaml(setup)}  zones:
    - { name: ${ZONE}, file: ${join(folder, 'zone')} }
${zonesYaml(setup)}${placed ? places.top : steered}
overwatch:
  data_dir: "${folder}/data"
${placed ? places.overwatch : ''}${isUnsigned(setup) ? UNSIGNED : ''}api: { enabled: true, address: "127.0.0.1:${ports.api}" }
metrics: { enabled: ${enabled}, address: "127.0.0.1:${ports.metrics}" }
logging: { level: error, format: text }
`
}

interface Written {
  readonly path: string
  readonly ports: Ports
}

async function write(start: Start, sinkPort: number, known: readonly string[]): Promise<Written> {
  const { setup, folder, port } = start
  mkdirSync(join(folder, 'data'))
  if (setup.learnedNetworks >= 0) writePlaces(folder, setup)
  writeFileSync(join(folder, 'zone'), zoneText(setup), { mode: 0o600 })
  const others = { api: await freePort(), metrics: await freePort(), checked: sinkPort }
  const ports = { dns: port, ...others }
  const path = join(folder, 'config.yaml')
  writeFileSync(path, yamlOf(setup, folder, ports, known), { mode: 0o600 })
  for (const { pool, file } of furtherPools(setup)) {
    const text = poolYaml(setup, pool, ports.checked)
    writeFileSync(join(folder, file), `${text}\n`, { mode: 0o600 })
  }
  return { path, ports }
}

/** Which of the optional settings this build takes. */
function settingsKnown(program: string): string[] {
  const folder = newFolder('settings')
  writeFileSync(join(folder, 'zone'), zoneText(plain), { mode: 0o600 })
  const path = join(folder, 'config.yaml')
  const ports = { dns: 1053, api: 1080, metrics: 1090, checked: 1 }
  const known = OPTIONAL.map(([name]) => name).filter((name) => {
    writeFileSync(path, yamlOf(plain, folder, ports, [name]), { mode: 0o600 })
    return spawnSync(process.execPath, [program, '--config', path, '--check']).status === 0
  })
  rmSync(folder, { recursive: true })
  return known
}

export interface OursOptions {
  readonly sinkPort: number
  /** Another build than this checkout's, or a file to profile into. */
  readonly program?: string
  readonly nodeFlags?: readonly string[]
}

export function ours({ sinkPort, program, nodeFlags = [] }: OursOptions): Subject {
  const bootstrap = program ?? join(root, 'dist', 'bootstrap.js')
  let known: readonly string[] | undefined
  return {
    name: 'OpenGSLB',
    version: () => {
      const text = execFileSync(process.execPath, [bootstrap, '--version'], { encoding: 'utf8' })
      return text.trim().split(' ').at(-1)
    },
    refuses: () => undefined,
    start: async (start) => {
      known ??= settingsKnown(bootstrap)
      const { path, ports } = await write(start, sinkPort, known)
      const command = [process.execPath, ...nodeFlags, bootstrap, '--config', path]
      const server = new Pinned(command, start)
      const asked = start.setup.servers > 0 ? `app.${ZONE}` : `www.${ZONE}`
      await untilAnswering(server, start.port, asked)
      if (start.setup.pools > 1) await untilChecked(server, ports.metrics, start.setup)
      if (start.setup.deltasPerSecond > 0) await untilListening(server, ports.api)
      if (start.setup.metrics === 'scraped') await untilListening(server, ports.metrics)
      if (start.setup.algorithm === 'learned_latency') await untilLearned(server, ports.api)
      await untilQuiet(server)
      return runningOf(server, start.setup, ports)
    },
  }
}

/** A name is served once one of its servers was found healthy: waits for nearly all of them. */
async function untilChecked(server: Pinned, metricsPort: number, setup: Setup): Promise<void> {
  await untilListening(server, metricsPort)
  const wanted = setup.pools * setup.servers * 0.99
  let healthy = 0
  for (let attempt = 0; attempt < 180; attempt++) {
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    healthy = Number(/^opengslb_backends_healthy (\d+)/m.exec(page)?.[1] ?? 0)
    if (healthy >= wanted) return
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  throw new Error(`of ${wanted} servers ${healthy} are healthy: ${server.output()}`)
}

/** Waits until the busiest client is steered by what was learned of it. */
async function untilLearned(server: Pinned, apiPort: number): Promise<void> {
  await untilListening(server, apiPort)
  const client = networkOf(0).replace('.0/24', '.1')
  const url = `http://127.0.0.1:${apiPort}/api/v1/explain?name=app.${ZONE}&client=${client}&turn=0`
  let said = ''
  for (let attempt = 0; attempt < 100; attempt++) {
    said = await (await fetch(url)).text()
    if (said.includes('"method":"learned"')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing is steered by what was learned: ${said} ${server.output()}`)
}

function runningOf(server: Pinned, setup: Setup, { api, checked, metrics }: Ports): Running {
  const stop = () => server.stop()
  if (setup.metrics === 'scraped')
    return { server, stop, disturb: (forMs) => scrape(metrics, forMs) }
  if (setup.deltasPerSecond === 0) return { server, stop }
  const disturb = (forMs: number) => startDeltas(api, checked, setup, forMs)
  return { server, stop, disturb }
}

/** Any program the user names: {port}, {zone}, {zonefile} and {config} stand for what it needs. */
export function named(name: string, command: string, sinkPort: number): Subject {
  return {
    name,
    version: () => 'as given',
    refuses: (setup) =>
      setup.servers > 0 && !command.includes('{config}') ? 'serves a zone file' : undefined,
    start: async (start) => {
      const { path } = await write(start, sinkPort, [])
      const values: Record<string, string> = {
        port: String(start.port),
        zone: ZONE,
        zonefile: join(start.folder, 'zone'),
        config: path,
      }
      const line = command.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
      const server = new Pinned(['sh', '-c', `exec ${line}`], start)
      const asked = start.setup.servers > 0 ? `app.${ZONE}` : `www.${ZONE}`
      await untilAnswering(server, start.port, asked)
      await untilQuiet(server)
      return { server, stop: () => server.stop() }
    },
  }
}
