/**
 * Goal: a process goes on with its own code when another version was unpacked over its files, also
 * where that version cannot start. Method: a copy of the built program, one part of which is then
 * replaced by a part that throws, and a successor that meets it.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePort, Program, until } from '../harness/program.ts'
import { root } from '../harness/source.ts'

const copy = mkdtempSync(join(tmpdir(), 'opengslb-copy-'))
for (const name of ['dist', 'package.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))

// Only the program is another one than that of the harness.
const own = `shift 2; exec ${process.execPath} ${join(copy, 'dist', 'opengslb.js')} "$@"`
const program = new Program('', ['sh', '-c', own, 'sh'])
const backend = createServer((_request, response) => response.end('ok'))

afterAll(async () => {
  backend.close()
  await program.remove()
  rmSync(copy, { recursive: true, force: true })
}, 30_000)

test('a successor that cannot start leaves the one before with its own checks', async () => {
  await new Promise<void>((settle) => backend.listen(0, '127.0.0.1', settle))
  const { port } = backend.address() as AddressInfo
  const api = await freePort()
  program.configure(`
dns: { listen_address: "127.0.0.1:${await freePort()}", zones: [over.test], threads: 1 }
regions:
  - name: eu
    servers: [{ address: 127.0.0.1, port: ${port}, service: app.over.test }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 1 }
domains: [{ name: app.over.test, regions: [eu] }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${api}" }
metrics: { enabled: false }
logging: { format: text }
`)
  program.start()
  await program.logged('OpenGSLB running', 30_000)
  const status = async () => {
    const answer = await fetch(`http://127.0.0.1:${api}/api/v1/overwatch/backends`).catch(() => {})
    const list = (await answer?.json()) as { backends?: { effective_status: string }[] } | undefined
    return list?.backends?.[0]?.effective_status
  }
  await until('it is healthy', async () => (await status()) === 'healthy', 10_000)
  const broken = "/*000000000000*/throw new Error('the new version is broken')"
  writeFileSync(join(copy, 'dist', 'run', 'actors-prober-actor.cjs'), broken)
  program.signal('SIGUSR2')
  await program.logged('the new version is broken', 30_000)
  await program.logged('the successor ended', 30_000)
  await until('the API is back', async () => (await status()) === 'healthy', 20_000)
  backend.closeAllConnections()
  backend.close()
  await until('a check has failed', async () => (await status()) === 'unhealthy', 15_000)
  expect(program.output).not.toContain('actor fell')
}, 120_000)
