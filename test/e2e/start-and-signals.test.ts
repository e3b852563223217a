// Goal: what an operator's tools do around a start holds: logrotate, an early SIGHUP, readiness.
// Method: the built program with a log file of its own.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { freePort, Program, until } from '../harness/program.ts'

let program: Program | undefined
afterEach(async () => {
  await program?.remove()
  program = undefined
})

async function configured(more: (folder: string) => string = () => ''): Promise<Program> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const made = new Program('')
  made.configure(`
dns: { listen_address: "127.0.0.1:${port}", threads: 1, zones: [start.test] }
overwatch: { data_dir: "${join(made.folder, 'data')}" }
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
regions: [{ name: r, servers: [{ address: 127.10.3.1, port: 1, service: app.start.test }] }]
domains: [{ name: app.start.test, regions: [r] }]
${more(made.folder)}`)
  program = made
  return Object.assign(made, { metricsPort })
}

test('a log file that was moved away is opened again by SIGHUP, by every part', async () => {
  const one = await configured((folder) => `logging: { file: "${join(folder, 'log')}" }`)
  const [path, old] = [join(one.folder, 'log'), join(one.folder, 'log.1')]
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  one.start()
  await until('running', () => read(path).includes('OpenGSLB running'))
  renameSync(path, old)
  one.signal('SIGHUP')
  await until('the new file has the reload', () => read(path).includes('configuration reloaded'))
  // A part on a thread of its own speaks too.
  await until('the registry writes to it', () => read(path).includes('serves what is served'))
  expect(read(old)).not.toContain('configuration reloaded')
})

/** Whether the process has a handler for SIGHUP, from the mask that Linux shows. */
function hearsHangup(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`) & 1n) === 1n
}

const cpuMs = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Says what processor time had been used as the signal got its handler. */
const HOOK = `
if (require('node:worker_threads').isMainThread)
  process.on('newListener', function heard(name) {
    if (name !== 'SIGHUP') return
    process.off('newListener', heard)
    const { user, system } = process.cpuUsage()
    process.stderr.write('heard after ' + Math.round((user + system) / 1000) + ' ms\\n')
  })
`

test.runIf(process.platform === 'linux')(
  'a SIGHUP before the program is loaded is obeyed once it runs',
  async () => {
    const one = await configured()
    const hook = join(one.folder, 'hook.cjs')
    writeFileSync(hook, HOOK)
    one.start([], { NODE_OPTIONS: `--require ${hook}` })
    await until('the signal has a handler', () => hearsHangup(one.pid))
    one.signal('SIGHUP')
    await one.logged('configuration reloaded', 20_000)
    expect(one.output.indexOf('OpenGSLB running')).toBeGreaterThan(0)
    expect(one.output.indexOf('OpenGSLB running')).toBeLessThan(
      one.output.indexOf('configuration reloaded'),
    )
    const heardAfterMs = Number(/heard after (\d+) ms/.exec(one.output)?.[1])
    // Loading everything costs many times what it costs to begin listening.
    expect(heardAfterMs).toBeLessThan(cpuMs(one.pid) / 5)
  },
)

test('DNS serves before the log says running, and nothing was dropped on the way', async () => {
  const one = await configured()
  one.start()
  await one.logged('OpenGSLB running')
  expect(one.output.indexOf('dns serving')).toBeGreaterThan(0)
  expect(one.output.indexOf('dns serving')).toBeLessThan(one.output.indexOf('OpenGSLB running'))
  const { metricsPort } = one as Program & { metricsPort: number }
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const dropped = text.split('\n').filter((line) => /^opengslb_outbox_dropped_total\{/.test(line))
  expect(dropped.filter((line) => !line.endsWith(' 0'))).toEqual([])
})

test('a stop while actors start is obeyed in order once they run', async () => {
  const one = await configured()
  one.start()
  await one.logged('topology compiled')
  one.signal('SIGTERM')
  expect(await one.exited()).toBe(0)
  expect(one.output).toContain('OpenGSLB stopped')
})
