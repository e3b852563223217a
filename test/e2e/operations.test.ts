// Goal: flags, exit codes, signals, reload and restart behave as an operator relies on.
// Method: the built program as a child process, asked with the real dig.
import { createServer } from 'node:net'
import { chmodSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, runToEnd, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const addresses = ['127.10.1.21', '127.10.1.22']
let backends: Backend[]
const programs: Program[] = []

interface Options {
  readonly port: number
  readonly apiPort?: number
  readonly extraDomain?: string
  readonly servers?: readonly string[]
  readonly interval?: string
}

const yamlOf = (folder: string, options: Options) => `
dns: { listen_address: "127.0.0.1:${options.port}", default_ttl: 5, zones: [ops.test] }
regions:
  - name: local
    servers:
${(options.servers ?? addresses)
  .flatMap((address) => [
    `      - { address: ${address}, port: ${backends[0]!.port}, service: app.ops.test }`,
    ...(options.extraDomain === undefined
      ? []
      : [
          `      - { address: ${address}, port: ${backends[0]!.port}, service: ${options.extraDomain} }`,
        ]),
  ])
  .join('\n')}
    health_check: { type: tcp, interval: ${options.interval ?? '1s'}, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains:
  - { name: app.ops.test, regions: [local], ttl: 5 }
${options.extraDomain === undefined ? '' : `  - { name: ${options.extraDomain}, regions: [local], ttl: 5 }`}
overwatch: { data_dir: "${folder}/data" }
api: { enabled: ${options.apiPort !== undefined}, address: "127.0.0.1:${options.apiPort ?? 1}" }
logging: { level: info, format: text }
`

function program(options: Options): Program {
  const one = new Program('')
  one.configure(yamlOf(one.folder, options))
  programs.push(one)
  return one
}

const serving = async (port: number, name = 'app.ops.test') =>
  (await dig(port, name)).answer.length > 0

beforeAll(async () => {
  backends = await startBackends(addresses)
})
afterAll(() => Promise.all(backends.map((backend) => backend.stop())))
afterEach(async () => {
  await Promise.all(programs.splice(0).map((one) => one.remove()))
})

describe('the command line', () => {
  test('--version prints the version and ends with 0', async () => {
    const done = await runToEnd(['--version'])
    expect(done.output).toMatch(/^OpenGSLB \d+\.\d+\.\d+\n$/)
    expect(done.code).toBe(0)
  })

  test('an unknown flag gives usage and 2', async () => {
    const done = await runToEnd(['--nodename', 'x'])
    expect(done.output).toContain('flag provided but not defined: -nodename')
    expect(done.output).toContain('Usage: opengslb')
    expect(done.code).toBe(2)
  })

  test('an invalid mode is named and gives 1', async () => {
    const one = program({ port: await freePort() })
    const done = await runToEnd(['--config', one.configPath, '--mode', 'primary'])
    expect(done.output).toMatch(/mode.*"primary".*overwatch, agent/)
    expect(done.code).toBe(1)
  })

  test('a missing file is named and gives 1', async () => {
    const done = await runToEnd(['--config', '/nowhere/opengslb.yaml'])
    expect(done.output).toContain('/nowhere/opengslb.yaml')
    expect(done.code).toBe(1)
  })

  test('--check accepts a good file with 0, starting nothing', async () => {
    const one = program({ port: await freePort() })
    const done = await runToEnd(['--config', one.configPath, '--check'])
    expect(done.output).toContain('configuration OK')
    expect(done.code).toBe(0)
  })

  test('all errors of a bad file come at once, each with its place', async () => {
    const one = program({ port: await freePort() })
    one.configure('dns:\n  listen_adress: ":53"\n  default_ttl: fast\nlogging:\n  level: loud\n')
    for (const args of [[], ['--check']]) {
      const done = await runToEnd(['--config', one.configPath, ...args])
      expect(done.output).toMatch(
        /config\.yaml:2:\d+: .*listen_adress.*did you mean.*listen_address/s,
      )
      expect(done.output).toMatch(/config\.yaml:3:\d+: .*default_ttl/)
      expect(done.output).toMatch(/config\.yaml:5:\d+: .*level/)
      expect(done.code).toBe(1)
    }
  })

  test('a secret in a file that everybody may read is refused', async () => {
    const one = program({ port: await freePort() })
    one.configure('overwatch: { agent_tokens: { app: "a-token-of-sixteen-characters" } }\n')
    chmodSync(one.configPath, 0o644)
    const done = await runToEnd(['--config', one.configPath])
    expect(done.output).toMatch(/chmod 6[04]0/)
    expect(done.output).not.toContain('a-token-of-sixteen')
    expect(done.code).toBe(1)
  })
})

describe('what is in the way', () => {
  const occupied = async (key: string, options: (port: number) => Promise<Options>) => {
    const port = await freePort()
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve))
    const one = program(await options(port))
    const done = await runToEnd(['--config', one.configPath])
    blocker.close()
    expect(done.output).toContain(key)
    expect(done.output).toContain(String(port))
    expect(done.code).toBe(1)
  }

  test('a taken DNS port is named and gives 1', () =>
    occupied('dns.listen_address', async (port) => ({ port })))

  test('a taken API port is named and gives 1', () =>
    occupied('api.address', async (apiPort) => ({ port: await freePort(), apiPort })))

  test('a second process on the same data directory ends at once with 1', async () => {
    const port = await freePort()
    const one = program({ port })
    one.start()
    await one.logged('OpenGSLB running')
    const done = await runToEnd(['--config', one.configPath])
    expect(done.output).toContain('overwatch.data_dir')
    expect(done.code).toBe(1)
    expect(done.tookMs).toBeLessThan(5_000)
  })
})

const AGENT_FILE = `mode: agent
agent:
  identity: { service_token: "0123456789abcdef0123456789abcdef", region: eu }
  backends: [{ service: app.ops.test, address: 127.0.0.1, port: 8080 }]
  gossip: { encryption_key: "${Buffer.alloc(32, 1).toString('base64')}", overwatch_nodes: ["127.0.0.1:1"] }
`

describe.runIf(has('dig'))('reload by SIGHUP', () => {
  test('a good file takes effect; a bad one changes nothing and says why', async () => {
    const port = await freePort()
    const one = program({ port })
    one.start()
    await until('served', () => serving(port))
    one.configure(yamlOf(one.folder, { port, extraDomain: 'new.ops.test' }))
    one.signal('SIGHUP')
    await until('the new domain is served', () => serving(port, 'new.ops.test'))
    one.configure('dns: { listen_address: 12 }\nnonsense: true\n')
    one.signal('SIGHUP')
    await one.logged(/nonsense/)
    expect(await serving(port)).toBe(true)
    expect(await serving(port, 'new.ops.test')).toBe(true)
  })

  test('a file for another mode changes nothing', async () => {
    const port = await freePort()
    const one = program({ port })
    one.start()
    await until('served', () => serving(port))
    one.configure(AGENT_FILE)
    one.signal('SIGHUP')
    await one.logged('mode cannot change while running')
    await one.logged('configuration not reloaded, nothing was changed')
    expect(await serving(port)).toBe(true)
  })

  test('what needs a restart is named', async () => {
    const port = await freePort()
    const one = program({ port })
    one.start()
    await until('served', () => serving(port))
    one.configure(yamlOf(one.folder, { port: port === 65_535 ? 65_534 : port + 1 }))
    one.signal('SIGHUP')
    await one.logged(/restart.*dns\.listen_address|dns\.listen_address.*restart/)
    expect(await serving(port)).toBe(true)
  })

  test('an override made through the API survives a reload and a restart', async () => {
    const [port, apiPort] = [await freePort(), await freePort()]
    const one = program({ port, apiPort })
    one.start()
    // DNS is up before HTTP is.
    await one.logged('OpenGSLB running')
    const both = async () => {
      const seen = new Set<string>()
      for (let turn = 0; turn < 4; turn++)
        for (const line of (await dig(port, 'app.ops.test')).answer) seen.add(line)
      return [...seen]
    }
    await until('both served', async () => (await both()).length === 2)
    const path = `/api/v1/overwatch/backends/app.ops.test/${addresses[0]}/${backends[0]!.port}/override`
    // Not fetch: it sends Sec-Fetch headers as a browser does, and a browser needs a token.
    const body = JSON.stringify({ healthy: false, reason: 'maintenance' })
    const said = await output('curl', [
      '-s',
      '-X',
      'POST',
      '-d',
      body,
      `http://127.0.0.1:${apiPort}${path}`,
    ])
    expect(JSON.parse(said)).toMatchObject({ success: true })
    await until('it is out', async () => !(await both()).includes(`A ${addresses[0]}`))
    one.signal('SIGHUP')
    await one.logged('configuration reloaded')
    expect(await both()).toEqual([`A ${addresses[1]}`])
    expect(await one.stop()).toBe(0)
    one.start()
    await until('served again', () => serving(port))
    await until('only the other', async () => (await both()).join() === `A ${addresses[1]}`)
    for (let look = 0; look < 3; look++) expect(await both()).toEqual([`A ${addresses[1]}`])
  })
})

describe.runIf(has('dig'))('kill -9 and restart', () => {
  test('the last known state serves before the first check, with its age', async () => {
    const [port, apiPort] = [await freePort(), await freePort()]
    const one = program({ port, apiPort, interval: '30s' })
    one.start()
    await until('served', () => serving(port))
    // State is committed in groups within 50 ms; the kill comes well after one.
    await until('committed', () => new Promise((resolve) => setTimeout(() => resolve(true), 300)))
    one.signal('SIGKILL')
    await one.exited()
    one.start()
    const started = performance.now()
    await until('answered', () => serving(port))
    const tookMs = performance.now() - started
    process.stdout.write(`first answer ${tookMs.toFixed(0)} ms after the restart\n`)
    expect(one.output).not.toMatch(/corrupt/)
  })

  test('a server deleted from the file while the process was dead does not come back', async () => {
    const port = await freePort()
    const one = program({ port })
    one.start()
    await until('served', () => serving(port))
    one.signal('SIGKILL')
    await one.exited()
    one.configure(yamlOf(one.folder, { port, servers: [addresses[1]!] }))
    one.start()
    const answer = async () => (await dig(port, 'app.ops.test')).answer.join()
    // Where the other server had no verdict yet, the guard-rail keeps the deleted one until it has.
    await until('the other serves', async () => (await answer()) === `A ${addresses[1]}`)
    for (let turn = 0; turn < 4; turn++) expect(await answer()).toBe(`A ${addresses[1]}`)
  })
})
