// Goal: the command line as a process, on a terminal of its own, against a running server: the live
// view gives the terminal back on a key and on a signal, a drain is waited for, and exit codes and
// completion are what scripts see.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const main = join(projectRoot, 'dist', 'cli', 'main.js')
const ADDRESSES = ['127.99.12.21', '127.99.12.22']

describe('opengslb-cli', () => {
  let program: Program
  let backends: Backend[]
  let url = ''

  const cli = (...words: readonly string[]) => {
    const argv = [main, '--api', url, ...words]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
    return { code: status, out: stdout.trimEnd(), err: stderr.trimEnd() }
  }

  beforeAll(async () => {
    backends = await startBackends(ADDRESSES)
    const api = await freePort()
    url = `http://127.0.0.1:${api}`
    program = new Program('')
    const servers = ADDRESSES.map(
      (address) => `{ address: ${address}, port: ${backends[0]!.port}, service: app.gslb.test }`,
    )
    program.configure(`
dns: { listen_address: "127.0.0.1:${await freePort()}", zones: [gslb.test] }
regions: [{ name: eu, servers: [${servers.join(', ')}], health_check: { type: tcp, interval: 1s, timeout: 500ms } }]
domains: [{ name: app.gslb.test, regions: [eu], ttl: 1 }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${api}" }
logging: { level: warn, format: text }
`)
    program.start()
    await until('it is healthy', () => cli('status', '--check').code === 0)
  }, 40_000)

  afterAll(async () => {
    await program.remove()
    await Promise.all(backends.map((backend) => backend.stop()))
  })

  test('status, servers and overrides tell what is, with the codes for scripts', () => {
    expect(cli('status').out).toMatch(/^OpenGSLB Overwatch Status: Healthy\n/)
    const set = cli('overrides', 'set', 'app.gslb.test', ADDRESSES[0]!, '--reason', 'test')
    expect(set).toMatchObject({ code: 0 })
    const rows = cli('servers').out.split('\n')
    expect(rows[0]).toMatch(/^SERVICE +ADDRESS +REGION +STATUS +LATENCY +AUTHORITY$/)
    expect(rows[1]).toMatch(/ unhealthy +[0-9.]+ms +override$/)
    expect(rows[2]).toMatch(/ healthy +[0-9.]+ms +validation$/)
    expect(cli('status', '--check')).toMatchObject({ code: 4 })
    expect(cli('overrides', 'clear', 'app.gslb.test', ADDRESSES[0]!).code).toBe(0)
    const wrong = cli('overrides', 'set', 'ap.gslb.test', ADDRESSES[0]!, '--reason', 'x')
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('Hint: did you mean the service "app.gslb.test"?')
    expect(cli('stauts').code).toBe(2)
    expect(cli('--api', 'http://127.0.0.1:1', 'status').code).toBe(3)
  })

  test('a drain is waited for, until old answers have expired', () => {
    const words = ['drain', 'start', 'app.gslb.test', ADDRESSES[1]!, '--reason', 'test']
    const { code, out, err } = cli(...words, '--wait', '--by-time', '--wait-timeout', '30s')
    expect(code).toBe(0)
    expect(err).toMatch(/cannot be counted, by time safe at /)
    expect(out).toMatch(/Safe to stop as far as time tells: app\.gslb\.test:/)
    const { drains } = JSON.parse(cli('--json', 'drain').out) as { drains: { id: string }[] }
    expect(cli('drain', 'stop', drains[0]!.id).code).toBe(0)
  }, 40_000)

  test.runIf(has('bash'))('its completion is loaded by bash', () => {
    const script = `source <(${process.execPath} ${main} completion bash)
COMP_WORDS=(opengslb-cli drain st); COMP_CWORD=2; _opengslb_cli; echo "\${COMPREPLY[@]}"
complete -p opengslb-cli`
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toBe('start stop\ncomplete -F _opengslb_cli opengslb-cli\n')
  })

  test('output that a full disk cuts short is no success; a closed pipe is', () => {
    const to = (where: string) => {
      const line = `set -o pipefail; ${process.execPath} ${main} completion bash ${where}`
      const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
      return [status, stderr.slice(0, 30)]
    }
    expect(to('> /dev/full')).toEqual([1, 'Error: the output is not whole'])
    expect(to('| true')).toEqual([0, ''])
  })

  describe.runIf(has('script'))('top on a terminal', () => {
    let runs = 0
    /** Runs it under `script`, which makes the terminal; what it wrote, and its exit code. */
    async function top(ending: string, input?: string) {
      runs += 1
      const file = join(program.folder, `terminal-${runs}`)
      const command = `${process.execPath} ${main} --api ${url} top --interval 200ms${ending}`
      const words = ['-qec', `stty cols 90 rows 20; ${command}`, file]
      const child = spawn('script', words, { stdio: ['pipe', 'ignore', 'ignore'] })
      const ended = new Promise<number | null>((settle) => child.on('close', settle))
      const written = () => {
        try {
          return readFileSync(file, 'utf8')
        } catch {
          return ''
        }
      }
      const isDrawn = () => written().includes(ADDRESSES[1]!)
      if (input !== undefined) await until('it is drawn', isDrawn)
      if (input !== undefined) child.stdin.write(input)
      return { code: await ended, text: written() }
    }

    for (const [what, ending, input] of [
      ['q', '', 'q'],
      ['Ctrl-C', '', '\u0003'],
      ['SIGTERM', ' & sleep 2; kill -TERM $!; wait $!', undefined],
      ['SIGHUP', ' & sleep 2; kill -HUP $!; wait $!', undefined],
    ] as const)
      test(`${what} ends it and gives the terminal back`, async () => {
        const { text } = await top(ending, input)
        expect(text.split('\u001b[?1049h')).toHaveLength(2)
        expect(text.split('\u001b[?25h\u001b[?1049l')).toHaveLength(2)
        expect(text).toContain('app.gslb.test')
      }, 20_000)
  })
})
