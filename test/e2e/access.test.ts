// Goal: who may, TLS and the audit log hold on the built program, through SIGHUP and kill -9.
// Method: the program as a child process, asked over TLS with tokens and client certificates.
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenHashOf } from '../../src/actors/api/ports-access.ts'
import { type Certificates, makeCertificates } from '../harness/certificates.ts'
import { freePort, Program } from '../harness/program.ts'
import { has } from '../harness/tools.ts'
import { cli } from '../unit/cli/run.ts'

const READER = 'a-token-that-may-look'
const OPERATOR = 'a-token-that-may-operate'

let program: Program
let files: Certificates
let port = 0
const OVERRIDE = '/api/v1/overwatch/backends/app.test/192.0.2.1/80/override'

const yamlOf = (dnsPort: number, expires = '') => `
dns: { listen_address: "127.0.0.1:${dnsPort}", zones: [test] }
regions: [{ name: main, servers: [{ address: 192.0.2.1, service: app.test }] }]
domains: [{ name: app.test, regions: [main] }]
overwatch: { data_dir: "${program.folder}/data", gossip: {} }
api:
  enabled: true
  address: "127.0.0.1:${port}"
  tls: { cert_file: "${files.certFile}", key_file: "${files.keyFile}", client_ca_file: "${files.caFile}", client_auth: request }
  auth:
    required: true
    tokens:
      - { name: looker, hash: "sha256:${tokenHashOf(READER)}", role: read }
      - { name: operator, hash: "sha256:${tokenHashOf(OPERATOR)}", role: operate${expires} }
    certificates: [{ subject: "CN=ops,O=Example", role: operate }]
logging: { level: info, format: json }
`

interface Asked {
  readonly status: number
  readonly json: ReturnType<typeof JSON.parse>
}

function ask(method: string, path: string, options: object = {}, body = ''): Promise<Asked> {
  return new Promise((settle, fail) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, ca: files.ca, agent: false, ...options },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () =>
          settle({ status: response.statusCode ?? 0, json: JSON.parse(text || 'null') }),
        )
      },
    )
    asked.on('error', fail)
    asked.end(body)
  })
}

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const SET = JSON.stringify({ healthy: false, reason: 'test' })

const serialOf = () =>
  new Promise<string>((settle) => {
    const socket = connect({ host: '127.0.0.1', port, ca: files.ca }, () => {
      settle(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })

describe.runIf(has('openssl'))('who may use the API of the running program', () => {
  beforeAll(async () => {
    files = makeCertificates()
    program = new Program('')
    port = await freePort()
    program.configure(yamlOf(await freePort()))
    program.start()
    await program.logged('OpenGSLB running', 30_000)
  })
  afterAll(async () => {
    await program?.remove()
    files?.remove()
  })

  test('nobody without a token, a reader looks, an operator changes, a certificate too', async () => {
    expect((await ask('GET', '/api/v1/overrides')).status).toBe(401)
    expect((await ask('GET', '/api/v1/overrides', as(READER))).status).toBe(200)
    expect((await ask('POST', OVERRIDE, as(READER), SET)).status).toBe(403)
    expect((await ask('POST', OVERRIDE, as(OPERATOR), SET)).status).toBe(200)
    expect((await ask('DELETE', OVERRIDE, files.client('ops'))).status).toBe(200)
    expect((await ask('DELETE', OVERRIDE, files.client('other'))).status).toBe(401)
    expect(program.output).toContain('"by":"node"')
  })

  test('each of them is in the audit log, with who it was', async () => {
    const { json } = await ask('GET', '/api/v1/audit-logs?resources=override', as(OPERATOR))
    expect(
      json.entries.map((one: Record<string, string>) => [one.actor, one.action, one.status]),
    ).toEqual([
      ['CN=ops,O=Example', 'delete', 'success'],
      ['operator', 'create', 'success'],
      ['looker', 'create', 'denied'],
    ])
  })

  test('SIGHUP serves a renewed certificate, and a token that has ended is refused', async () => {
    const before = await serialOf()
    files.renew()
    const yaml = readFileSync(program.configPath, 'utf8')
    writeFileSync(
      program.configPath,
      yaml.replace('role: operate }\n    cert', 'role: operate, expires: 2020-01-01 }\n    cert'),
    )
    program.signal('SIGHUP')
    await program.logged('certificate renewed')
    await program.logged('configuration reloaded')
    expect(await serialOf()).not.toBe(before)
    expect((await ask('GET', '/api/v1/overrides', as(OPERATOR))).json.error).toMatch(/expired/)
    expect((await ask('GET', '/api/v1/overrides', as(READER))).status).toBe(200)
  })

  test('what was answered is in the log after kill -9, and the chain goes on and holds', async () => {
    const client = files.client('ops')
    await ask('POST', OVERRIDE, client, SET)
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await program.logged('OpenGSLB running', 30_000)
    const { json } = await ask('GET', '/api/v1/audit-logs?search=app.test&limit=1', client)
    expect(json.entries[0]).toMatchObject({ action: 'create', resource: 'override' })
    const stats = await ask('GET', '/api/v1/audit-logs/stats', client)
    expect(stats.json.stats.by_action.start).toBe(2)
    await program.stop()
    const verified = await cli(['audit', 'verify', join(program.folder, 'data', 'audit')])
    expect(verified.err).toBe('')
    expect(verified.code).toBe(0)
  })
})
