// Goal: IPv6 works end to end: listening on ::1, servers at IPv6 addresses however they are
// written, their checks, their answers and their names in the API.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

describe.runIf(has('dig', 'curl'))('IPv6', () => {
  const backend = new Backend('::1')
  const program = new Program('')
  let port: number
  let apiPort: number

  beforeAll(async () => {
    await backend.start()
    ;[port, apiPort] = [await freePort(), await freePort()]
    program.configure(`
dns: { listen_address: "[::1]:${port}", zones: [six.test] }
regions:
  - name: local
    servers:
      - { address: "0:0:0:0:0:0:0:1", port: ${backend.port}, service: app.six.test }
    health_check: { type: http, path: /health, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.six.test, regions: [local], ttl: 5 }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
logging: { format: text }
`)
    program.start()
    await until(
      'AAAA is answered',
      async () => (await dig(port, '@::1', 'app.six.test', 'AAAA')).answer.length === 1,
    )
    await program.logged('http listening')
  })
  afterAll(async () => {
    await program.remove()
    await backend.stop()
  })

  test('AAAA over UDP and TCP, NODATA for A', async () => {
    expect((await dig(port, '@::1', 'app.six.test', 'AAAA')).answer).toEqual(['AAAA ::1'])
    expect((await dig(port, '@::1', '+tcp', 'app.six.test', 'AAAA')).answer).toEqual(['AAAA ::1'])
    const four = await dig(port, '@::1', 'app.six.test', 'A')
    expect([four.status, four.answer]).toEqual(['NOERROR', []])
    expect(four.authority[0]).toMatch(/^SOA /)
  })

  test('the check speaks HTTP to it, with a bracketed Host', () => {
    expect(backend.seen[0]).toEqual({ path: '/health', host: `[::1]:${backend.port}` })
  })

  test('an override names it by any spelling of its address', async () => {
    const base = `http://127.0.0.1:${apiPort}/api/v1/overwatch/backends/app.six.test`
    const url = `${base}/${encodeURIComponent('::0:1')}/${backend.port}/override`
    const body = JSON.stringify({ healthy: false, reason: 'test', force: true })
    expect(JSON.parse(await output('curl', ['-s', '-X', 'POST', '-d', body, url]))).toMatchObject({
      success: true,
    })
    const status = async () => (await dig(port, '@::1', 'app.six.test', 'AAAA')).status
    await until('it is out', async () => (await status()) === 'SERVFAIL')
    await output('curl', ['-s', '-X', 'DELETE', url])
    await until('it is back', async () => (await status()) === 'NOERROR')
  })
})
