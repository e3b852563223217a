/**
 * Goal: ExternalDNS of Kubernetes can keep names of this program, by its published contract.
 * Method: the requests that ExternalDNS sends, one after the other, to the webhook provider beside
 * a running overwatch; what DNS answers is asked with the real dig. No cluster runs here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const MEDIA_TYPE = 'application/external.dns.webhook+json;version=1'
const program = new Program('')
const stop = new AbortController()
const said: string[] = []
let dns = 0
let webhook = 0
let ended: Promise<number> = Promise.resolve(0)

async function ask(method: 'GET' | 'POST', path: string, body?: unknown) {
  const reply = await fetch(`http://127.0.0.1:${webhook}${path}`, {
    method,
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  const type = reply.headers.get('content-type')
  return { status: reply.status, type, body: text === '' ? undefined : JSON.parse(text) }
}

const endpoint = (dnsName: string, targets: string[], recordType = 'A', recordTTL = 30) => ({
  ...{ dnsName, targets, recordType, recordTTL },
  labels: { owner: 'default', resource: 'ingress/shop/web' },
})

const answers = async (name: string, type = 'A') => {
  const seen = new Set<string>()
  for (let turn = 0; turn < 6; turn++)
    for (const line of (await dig(dns, name, type)).answer) seen.add(line)
  return [...seen].sort()
}

describe.runIf(has('dig'))('the webhook provider', () => {
  beforeAll(async () => {
    const api = await freePort()
    dns = await freePort()
    program.configure(`
dns: { listen_address: "127.0.0.1:${dns}", zones: [k8s.test] }
regions: [{ name: cluster, health_check: { type: tcp, interval: 500ms, timeout: 200ms, success_threshold: 1 } }]
domains: [{ name: fixed.k8s.test, regions: [cluster], when_all_down: all }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${api}" }
metrics: { enabled: false }
logging: { level: warn, format: text }
`)
    program.start()
    await until('the API answers', () =>
      fetch(`http://127.0.0.1:${api}/api/v1/live`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    const words = ['--zones', 'k8s.test', '--region', 'cluster', '--listen', '127.0.0.1:0']
    // Whatever listens will do for the checks of the servers: DNS over TCP is there.
    const args = ['--api', `http://127.0.0.1:${api}`, 'external-dns', ...words, '--port', `${dns}`]
    const io = {
      out: (text: string) => void said.push(text),
      err: (text: string) => void said.push(text),
    }
    ended = run(args, { ...io, env: {}, stopped: stop.signal })
    await until('it listens', () => said.length > 0)
    webhook = Number(/port (\d+)/.exec(said[0] ?? '')?.[1])
  }, 30_000)

  afterAll(async () => {
    stop.abort()
    expect(await ended).toBe(0)
    await program.remove()
  })

  test('says in its media type for which names it is', async () => {
    const { status, type, body } = await ask('GET', '/')
    expect([status, type]).toEqual([200, MEDIA_TYPE])
    expect(body).toEqual({ include: ['k8s.test'], filters: ['k8s.test'] })
    expect((await ask('GET', '/healthz')).status).toBe(200)
    expect((await ask('GET', '/other')).status).toBe(404)
  })

  test('lists nothing at first: what the file has is not from ExternalDNS', async () => {
    expect(await ask('GET', '/records')).toMatchObject({ status: 200, type: MEDIA_TYPE, body: [] })
  })

  test('keeps the endpoints that it can serve, and leaves the others out', async () => {
    const kept = endpoint('web.k8s.test', ['127.0.0.1'])
    const { body } = await ask('POST', '/adjustendpoints', [
      kept,
      endpoint('a-web.k8s.test', ['"heritage=external-dns"'], 'TXT'),
      endpoint('alias.k8s.test', ['other.test'], 'CNAME'),
      endpoint('*.k8s.test', ['127.0.0.1']),
      { ...kept, setIdentifier: 'blue' },
    ])
    expect(body.map(({ dnsName }: { dnsName: string }) => dnsName)).toEqual(['web.k8s.test'])
  })

  test('makes a name with its servers, changes them, takes them away', async () => {
    const first = endpoint('web.k8s.test', ['127.0.0.1', '127.0.0.2'])
    expect((await ask('POST', '/records', { create: [first] })).status).toBe(204)
    expect((await ask('GET', '/records')).body).toMatchObject([
      {
        dnsName: 'web.k8s.test',
        targets: ['127.0.0.1', '127.0.0.2'],
        recordType: 'A',
        recordTTL: 30,
      },
    ])
    // 127.0.0.1 alone is listened on, so that its check passes and the other's does not.
    await until(
      'it is served',
      async () => (await answers('web.k8s.test')).join() === 'A 127.0.0.1',
    )

    const second = endpoint('web.k8s.test', ['127.0.0.1'], 'A', 60)
    // Older versions of ExternalDNS write capitals.
    const change = { UpdateOld: [first], UpdateNew: [second] }
    expect((await ask('POST', '/records', change)).status).toBe(204)
    expect((await ask('GET', '/records')).body).toMatchObject([
      { targets: ['127.0.0.1'], recordTTL: 60 },
    ])

    expect((await ask('POST', '/records', { delete: [second] })).status).toBe(204)
    expect((await ask('GET', '/records')).body).toEqual([])
    expect((await dig(dns, 'web.k8s.test')).status).toBe('NXDOMAIN')
  }, 30_000)

  test('does not touch a name of somebody else, and says so', async () => {
    const reply = await ask('POST', '/records', {
      create: [endpoint('fixed.k8s.test', ['127.0.0.1'])],
    })
    expect([reply.status, reply.body]).toEqual([
      500,
      { error: 'fixed.k8s.test is not from ExternalDNS' },
    ])
  })

  test('refuses what is no change, and what is too much of one', async () => {
    expect((await ask('POST', '/records', { create: [{ dnsName: 7 }] })).status).toBe(400)
    expect((await ask('POST', '/adjustendpoints', 'nothing')).status).toBe(400)
  })
})
