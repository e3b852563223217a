// Goal: an operator on the command line learns why, sees the past across a reload and a kill, and
// takes a capsule to another process, where a changed weight changes the answers. Method: the built
// program and the built command line as child processes, asked with the real dig.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { dig } from '../harness/tools.ts'

const addresses = ['127.10.9.21', '127.10.9.22']
const NAME = 'app.replay.test'
let backends: readonly Backend[]
let program: Program
let port: number
let apiPort: number

const yamlOf = (weight: number) => `
dns:
  listen_address: "127.0.0.1:${port}"
  zones: [replay.test]
  cookies: { secret: 00112233445566778899aabbccddeeff }
  # Every answer is sampled, however fast the machine asks.
  samples: { per_second: 10000 }
regions:
  - name: eu
    servers: [{ address: ${addresses[0]}, port: ${backends[0]!.port}, service: ${NAME}, weight: ${weight} }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 1, success_threshold: 1 }
  - name: us
    servers: [{ address: ${addresses[1]}, port: ${backends[0]!.port}, service: ${NAME}, weight: 100 }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 1, success_threshold: 1 }
domains: [{ name: ${NAME}, regions: [eu, us], ttl: 5, routing_algorithm: weighted }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
logging: { level: info, format: text }
`

interface Ran {
  readonly code: number | null
  readonly text: string
}

function cli(...words: readonly string[]): Ran {
  const file = join(projectRoot, 'dist/cli/main.js')
  const args = [file, '--api', `http://127.0.0.1:${apiPort}`, ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { code: status, text: stdout + stderr }
}

/** As loose as JSON.parse leaves it. */
const cliJson = (...words: readonly string[]): ReturnType<typeof JSON.parse> => {
  const { code, text } = cli('--json', ...words)
  if (code !== 0) throw new Error(text)
  return JSON.parse(text)
}

async function askMany(count: number): Promise<readonly string[]> {
  const answers: string[] = []
  for (let at = 0; at < count; at++) answers.push((await dig(port, NAME)).answer.join(' '))
  return answers
}

const sampled = () => cliJson('explain', NAME).source === 'recorded'

beforeAll(async () => {
  backends = await startBackends(addresses)
  ;[port, apiPort] = [await freePort(), await freePort()]
  program = new Program('')
  program.configure(yamlOf(100))
  program.start()
  await until('both are answered', async () => {
    const answers = await askMany(4)
    return addresses.every((address) => answers.some((answer) => answer.includes(address)))
  })
})
afterAll(async () => {
  await program.remove()
  await Promise.all(backends.map((backend) => backend.stop()))
})

describe('why, then and what if', () => {
  test('explain tells the answer that was sent, verified', async () => {
    await askMany(30)
    await until('a sample arrived', sampled)
    const found = cliJson('explain', NAME, '127.0.0.1')
    expect(found).toMatchObject({ source: 'recorded', verified: true, policy: 'weighted' })
    expect(cli('explain', NAME).text).toMatch(/an answer that was sent, verified/)
    const { decisions } = JSON.parse(
      await (await fetch(`http://127.0.0.1:${apiPort}/api/v1/routing/decisions`)).text(),
    )
    expect(decisions.length).toBeGreaterThan(30)
    expect(decisions.every((one: { verified?: boolean }) => one.verified === true)).toBe(true)
  })

  test('dig learns it too, by TXT why.<name> of class CH', async () => {
    const ran = spawnSync(
      'dig',
      ['@127.0.0.1', '-p', String(port), 'CH', 'TXT', `why.${NAME}`, '+short'],
      { encoding: 'utf8' },
    )
    expect(ran.stdout).toMatch(/outcome=answer name=app\.replay\.test type=A policy=weighted/)
    expect(ran.stdout).toMatch(/127\.10\.9\.2\d:\d+ chosen rank=1 weight=100 serving healthy/)
  })

  test('plan says what a weight moves, rehearse what a loss does', () => {
    const other = join(program.folder, 'other.yaml')
    writeFileSync(other, yamlOf(0), { mode: 0o600 })
    const plan = cliJson('plan', other)
    expect(plan.moved_share).toBeGreaterThan(0.3)
    expect(plan.flows[0].to).toContain('us/')
    expect(cliJson('plan', program.configPath).moved_share).toBe(0)
    const loss = cliJson('rehearse', '--region', 'eu')
    expect(loss).toMatchObject({ converged_ms: 5_000 })
    expect(loss.moved_share).toBeCloseTo(0.5, 1)
    expect(cli('plan', other).text).toMatch(/sampled answers stand for [\s\S]*SERVICE +FROM +TO/)
    expect(cli('rehearse', '--region', 'eu').text).toMatch(/after 5 s[\s\S]*x +app\.replay\.test/)
    expect(cli('rehearse', '--region', 'nowhere')).toMatchObject({ code: 1 })
  })

  test('a capsule replays to the same answers in another process; a changed weight changes them', () => {
    const file = join(program.folder, 'incident.json')
    expect(cli('capsule', '-o', file).code).toBe(0)
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain('00112233')
    const before = cliJson('replay', file)
    expect(before.replayed.length).toBeGreaterThan(30)
    expect(before).toMatchObject({ different: 0, skipped: {} })
    expect(cli('replay', file).text).toMatch(/^= .*A turn \d+: 127\.10\.9\.2\d$/m)
    const capsule = JSON.parse(text)
    const configuration = capsule.configuration.replace('"weight": "100"', '"weight": "1"')
    expect(configuration).not.toBe(capsule.configuration)
    const edited = join(program.folder, 'edited.json')
    writeFileSync(edited, JSON.stringify({ ...capsule, configuration }))
    const after = cliJson('replay', edited)
    expect(after.replayed).toHaveLength(before.replayed.length)
    expect(after.different).toBeGreaterThan(10)
    const moved = after.replayed.filter(({ same }: { readonly same: boolean }) => !same)
    for (const { answer } of moved) expect(answer.join()).toContain(addresses[1])
    const other = join(program.folder, 'other.yaml')
    writeFileSync(other, yamlOf(1), { mode: 0o600 })
    expect(cliJson('replay', file, '--config', other).different).toBe(after.different)
    writeFileSync(edited, '{"format":"something else"}')
    expect(cli('replay', edited)).toMatchObject({ code: 1 })
  })

  test('the past is seen across a backend that fell, a reload and a kill', async () => {
    const wellMs = Date.now()
    await backends[0]!.stop()
    await until('the dead one is out', async () => new Set(await askMany(4)).size === 1)
    const fallenMs = Date.now()
    program.configure(yamlOf(0))
    program.signal('SIGHUP')
    await program.logged('configuration reloaded')
    const weightAt = (found: ReturnType<typeof JSON.parse>) => found.candidates[0].weight
    await until(
      'the new weight is served',
      () => weightAt(cliJson('explain', NAME, '--turn', '0')) === 0,
    )
    const atWell = () => cliJson('at', String(wellMs), NAME, '--turn', '0')
    const check = () => {
      expect(atWell()).toMatchObject({ source: 'past', verified: true })
      expect(atWell().candidates.map((one: { serving: boolean }) => one.serving)).toEqual([
        true,
        true,
      ])
      const then = cliJson('at', String(fallenMs), NAME)
      expect(then.candidates[0]).toMatchObject({ serving: false, weight: 100 })
      expect(then.wire.text.join()).toContain(addresses[1])
    }
    check()
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await until('it answers again', async () => (await dig(port, NAME)).answer.length > 0)
    await until('the API is there', () => cli('status').code === 0)
    check()
    const long = cli('at', '2001-01-01T00:00:00Z', NAME)
    expect(long).toMatchObject({ code: 1 })
    expect(long.text).toMatch(/nothing is held before 20/)
  })
})
