// Goal: the running program's API keeps the word of its own document on both HTTP libraries, and
// what it tells of queries is what was asked.
// Method: the built program, requests drawn from the document it serves itself, and real queries.
import fc from 'fast-check'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { Conformance, lintOpenApi, type Spoken } from '../harness/openapi.ts'
import { type Asked, requestsOf } from '../harness/openapi-requests.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const RUNS = process.env['OPENGSLB_FULL'] === '1' ? 300 : 6

interface Node {
  readonly program: Program
  readonly dns: number
  readonly api: string
  readonly metricsPort: number
}

const open: { remove(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.remove()
})

async function startNode(library: 'node' | ''): Promise<Node> {
  const backends: readonly Backend[] = await startBackends(['127.10.6.1'])
  const [dns, api, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const program = new Program('')
  program.configure(`
dns: { listen_address: "127.0.0.1:${dns}", threads: 1, zones: [api.test] }
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${api}" }
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
regions:
  - name: r
    servers: [{ address: 127.10.6.1, port: ${backends[0]!.port}, service: app.api.test }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms }
domains: [{ name: app.api.test, regions: [r] }]
logging: { level: warn, format: text }
`)
  open.push(program, { remove: () => Promise.all(backends.map((one) => one.stop())) })
  program.start([], { OPENGSLB_HTTP: library })
  const base = `http://127.0.0.1:${api}`
  await until(`ready\n${program.output}`, async () => {
    const answer = await fetch(`${base}/api/v1/ready`).catch(() => undefined)
    return answer?.status === 200
  })
  return { program, dns, api: base, metricsPort }
}

const agent = new Agent({ keepAlive: true })
afterAll(() => agent.destroy())

/** Not by `fetch`: that says of itself that it is a browser, which may change nothing. */
function ask(
  base: string,
  asked: Partial<Asked> & { method: string; path: string },
): Promise<Spoken> {
  const { method, path, query = '', headers = {}, body = '' } = asked
  return new Promise((settle, reject) => {
    const target = `${base}${path}${query === '' ? '' : `?${query}`}`
    const sent = { ...headers, 'content-length': Buffer.byteLength(body) }
    const outgoing = request(target, { method, headers: sent, agent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => {
        const fields = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
        const { statusCode: status = 0 } = answer
        settle({ method, path, status, headers: Object.fromEntries(fields), text })
      })
    })
    // A request that hangs is a fault like any other.
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error(`${method} ${target} hangs`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const json = async (base: string, path: string) =>
  JSON.parse((await ask(base, { method: 'GET', path })).text) as ReturnType<typeof JSON.parse>

/** The whole answer to a request in HTTP/1.0. */
const oldRequest = (port: number, path: string): Promise<string> =>
  new Promise((settle, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.0\r\n\r\n`))
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.on('close', () => settle(text))
    socket.on('error', reject)
  })

describe.each([
  ['node:http', 'node'],
  ['uWebSockets.js', ''],
] as const)('on %s', (_name, library) => {
  test('every operation answers every request as its document says, never 500, never nothing', async () => {
    const { api, program } = await startNode(library)
    const document = await json(api, '/api/v1/openapi.json')
    expect(lintOpenApi(document)).toEqual([])
    const conformance = new Conformance(document)
    for (const operation of conformance.operations)
      await fc.assert(
        fc.asyncProperty(requestsOf(conformance.reader, operation), async (asked) => {
          const spoken = await ask(api, asked)
          expect(spoken.status).not.toBe(500)
          expect(conformance.faultsOf(spoken)).toEqual([])
          expect(spoken.headers['x-request-id']).toBeTruthy()
        }),
        { numRuns: RUNS },
      )
    expect(program.output).not.toMatch(/level=ERROR/)
    expect((await ask(api, { method: 'GET', path: '/api/v1/live' })).status).toBe(200)
  }, 120_000)

  test('old health checks are answered on the listener of the metrics', async () => {
    const { metricsPort } = await startNode(library)
    for (const [path, body] of [
      ['/live', '{"alive":true}'],
      ['/api/v1/live', '{"alive":true}'],
      ['/ready', '"ready":true'],
      ['/api/v1/ready', '"ready":true'],
      ['/health', 'OK'],
    ] as const) {
      const answer = await oldRequest(metricsPort, path)
      expect(answer).toMatch(/^HTTP\/1\.[01] 200 /)
      expect(answer).toContain(body)
    }
  })
})

test.runIf(has('dig'))(
  'queries are counted in the figures, and preferences live through a kill',
  async () => {
    const { api, dns, program } = await startNode('')
    for (let query = 0; query < 20; query++) await dig(dns, 'app.api.test')
    await until('the queries are told', async () => {
      // A rate needs queries between two readings of the counters.
      await dig(dns, 'app.api.test')
      const { overview } = await json(api, '/api/v1/metrics')
      return overview.queries_total >= 20 && overview.queries_per_sec > 0
    })
    const { stats } = await json(api, '/api/v1/metrics/routing')
    expect(stats.by_region.r).toBeGreaterThanOrEqual(20)
    const { metrics } = await json(api, '/api/v1/metrics/regions/r')
    expect(metrics).toMatchObject({ total_servers: 1, healthy_servers: 1, traffic_percent: 100 })
    await until(
      'the history has a point',
      async () => {
        return (await json(api, '/api/v1/metrics/history')).data_points.length > 0
      },
      20_000,
    )
    const put = { method: 'PUT', path: '/api/v1/preferences', body: '{"theme":"dark"}' }
    expect((await ask(api, put)).status).toBe(200)
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await until('it answers again', async () => {
      const got = await ask(api, { method: 'GET', path: '/api/v1/preferences' }).catch(
        () => undefined,
      )
      return got?.text.includes('"theme":"dark"') === true
    })
  },
  60_000,
)
