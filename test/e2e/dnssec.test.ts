// Goal: whatever happens to servers, files, keys and the process, what a resolver gets validates
// with the DS the node told its operator, and the keys outlive the process. Method: the built
// program; delv and unbound, with that DS as their anchor, ask for every kind of answer in each
// state.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { Daemon, validatorHead } from '../harness/daemon.ts'
import { freePort, Program, runToEnd, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const ZONE = 'signed.test'
const KEY = 'd'.repeat(43)

/** Name, type, and what becomes of it. */
const QUESTIONS: readonly (readonly [string, string, 'yes' | 'nodata' | 'nxdomain'])[] = [
  ['app', 'A', 'yes'],
  ['app', 'AAAA', 'nodata'],
  ['app', 'TXT', 'nodata'],
  ['pair', 'A', 'yes'],
  ['first', 'A', 'yes'],
  ['heavy', 'A', 'yes'],
  ['@', 'SOA', 'yes'],
  ['@', 'NS', 'yes'],
  ['@', 'DNSKEY', 'yes'],
  ['@', 'MX', 'yes'],
  ['@', 'A', 'nodata'],
  ['www', 'TXT', 'yes'],
  ['www', 'A', 'nodata'],
  ['ns1', 'A', 'yes'],
  ['six', 'AAAA', 'yes'],
  ['srv', 'SRV', 'yes'],
  ['caa', 'CAA', 'yes'],
  ['alias', 'A', 'yes'],
  ['below.ent', 'A', 'yes'],
  ['ent', 'A', 'nodata'],
  ['any.wild', 'TXT', 'yes'],
  ['far.any.wild', 'TXT', 'yes'],
  ['any.wild', 'A', 'nodata'],
  ['wild', 'TXT', 'nodata'],
  ['sub', 'DS', 'nodata'],
  ['x.tree', 'TXT', 'yes'],
  ['tree', 'A', 'nodata'],
  ['none', 'A', 'nxdomain'],
  ['a.b.none', 'A', 'nxdomain'],
  ['zzz', 'MX', 'nxdomain'],
]

const nameOf = (relative: string) => (relative === '@' ? ZONE : `${relative}.${ZONE}`)

let program: Program
let backends: Backend[]
const unbound = new Daemon()
let [dnsPort, apiPort, unboundPort] = [0, 0, 0]
let anchors = ''

const yaml = (more: { text?: string; denial?: string; host?: string } = {}) => `
dns:
  listen_address: "127.0.0.1:${dnsPort}"
  threads: 1
  default_ttl: 1
  zones:
    - name: ${ZONE}
      name_servers: [{ name: ns1.${ZONE}, addresses: [127.0.0.1] }]
      soa: { minimum: 1, ttl: 1 }
      records:
        - { name: "@", type: MX, value: "10 www" }
        - { name: www, type: TXT, value: '"${more.text ?? 'one'}"' }
        - { name: six, type: AAAA, value: "2001:db8::1" }
        - { name: srv, type: SRV, value: "1 2 53 www" }
        - { name: caa, type: CAA, value: '0 issue "ca.test"' }
        - { name: alias, type: CNAME, value: app }
        - { name: below.ent, type: A, value: 192.0.2.1 }
        - { name: "*.wild", type: TXT, value: '"any"' }
        - { name: sub, type: NS, value: ns.elsewhere.test. }
        - { name: target, type: TXT, value: '"t"' }
        - { name: x.target, type: TXT, value: '"x"' }
        - { name: tree, type: DNAME, value: target }
${more.host === undefined ? '' : `        - { name: ${more.host}, type: A, value: 192.0.2.9 }`}
regions:
  - name: main
    health_check: { interval: 200ms, timeout: 500ms, failure_threshold: 2, success_threshold: 2 }
    servers:
${['app', 'pair', 'first', 'heavy']
  .flatMap((service) =>
    backends.map(
      ({ address, port }, at) =>
        `      - { address: ${address}, port: ${port}, weight: ${at + 1}, service: ${service} }`,
    ),
  )
  .join('\n')}
domains:
  - { name: app.${ZONE}, regions: [main] }
  - { name: pair.${ZONE}, regions: [main], answers: 2 }
  - { name: first.${ZONE}, regions: [main], routing_algorithm: failover, hold_down: 0s }
  - { name: heavy.${ZONE}, regions: [main], routing_algorithm: weighted, answers: 3 }
overwatch:
  data_dir: "${join(program.folder, 'data')}"
  dnssec: { key_secret: "${KEY}=", denial: ${more.denial ?? 'nsec'} }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
metrics: { enabled: false }
`

/** With curl: what `fetch` sends says that it is a browser, which may change nothing. */
async function api(method: string, path: string, body?: unknown): Promise<Record<string, never>> {
  const json = ['-H', 'content-type: application/json', '-d', JSON.stringify(body ?? {})]
  const given = method === 'GET' ? [] : json
  const url = `http://127.0.0.1:${apiPort}/api/v1${path}`
  return JSON.parse(await output('curl', ['-s', '-X', method, ...given, url]))
}

interface Key {
  readonly key_tag: number
  readonly phase: string
}
const keys = async () => (await api('GET', '/dnssec/status'))['keys'] as unknown as Key[]

const isServing = async () => (await dig(dnsPort, `app.${ZONE}`)).status === 'NOERROR'

async function readAnchors(): Promise<void> {
  const records = (await api('GET', '/dnssec/ds'))['ds_records'] as unknown as {
    readonly key_tag: number
    readonly algorithm_number: number
    readonly digest_type: number
    readonly digest: string
  }[]
  const lines = records.map(
    (one) =>
      `"${ZONE}." static-ds ${one.key_tag} ${one.algorithm_number} ${one.digest_type} "${one.digest}";`,
  )
  anchors = join(program.folder, 'anchors')
  writeFileSync(anchors, `trust-anchors { ${lines.join(' ')} };\n`)
}

/** What delv says of every question that is not as it should be. */
async function delvFaults(): Promise<string[]> {
  const faults: string[] = []
  for (const [relative, type, outcome] of QUESTIONS) {
    const where = ['@127.0.0.1', '-p', String(dnsPort), '-a', anchors, `+root=${ZONE}`]
    const told = await output('delv', [...where, nameOf(relative), type])
    const wanted = { yes: '; fully validated', nodata: ';-$NXRRSET', nxdomain: ';-$NXDOMAIN' }
    const isRight = told.includes('fully validated') && told.includes(wanted[outcome])
    if (!isRight) faults.push(`${relative} ${type}: ${told.trim()}`)
  }
  return faults
}

/** The same of unbound, which keeps nothing: every answer is asked for and validated anew. */
async function unboundFaults(): Promise<string[]> {
  const faults: string[] = []
  for (const [relative, type, outcome] of QUESTIONS) {
    const answer = await dig(unboundPort, '+dnssec', nameOf(relative), type)
    const status = outcome === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR'
    const isRight = answer.status === status && answer.flags.includes('ad')
    if (!isRight) faults.push(`${relative} ${type}: ${answer.status} ${answer.flags.join()}`)
  }
  return faults
}

const validates = async () => expect([await delvFaults(), await unboundFaults()]).toEqual([[], []])

const startUnbound = (ds: readonly string[]) =>
  unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
    'unbound.conf': `${validatorHead(unboundPort)}  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  key-cache-size: 4k
  aggressive-nsec: no
${ds.map((one) => `  trust-anchor: "${one}"`).join('\n')}
remote-control:
  control-enable: no
stub-zone:
  name: "${ZONE}"
  stub-addr: 127.0.0.1@${dnsPort}
`,
  })

describe.runIf(has('dig', 'delv', 'unbound', 'curl'))('a signed zone', () => {
  beforeAll(async () => {
    ;[dnsPort, apiPort, unboundPort] = [await freePort(), await freePort(), await freePort()]
    backends = await startBackends(['127.10.9.1', '127.10.9.2', '127.10.9.3'])
    program = new Program('')
    program.configure(yaml())
    program.start()
    await program.logged('OpenGSLB running', 40_000)
    await until('it answers', isServing, 20_000)
    await readAnchors()
    const ds = (await api('GET', '/dnssec/ds'))['ds_records'] as unknown as { ds_record: string }[]
    startUnbound(ds.map((one) => one.ds_record.replace(' IN ', ' ')))
    await until('unbound answers', async () => (await dig(unboundPort, ZONE, 'SOA')).status !== '')
  }, 90_000)
  afterAll(async () => {
    await unbound.stop()
    await program?.remove()
    for (const backend of backends ?? []) await backend.stop()
  })

  test('validates, every kind of answer of it', validates, 120_000)

  test('gives signatures to who asks for them, and AD to nobody', async () => {
    const plain = await dig(dnsPort, `app.${ZONE}`)
    expect(plain.answer.filter((line) => line.startsWith('RRSIG'))).toEqual([])
    const signed = await dig(dnsPort, '+dnssec', `app.${ZONE}`)
    expect(signed.answer.map((line) => line.split(' ')[0])).toEqual(['A', 'RRSIG'])
    expect([...plain.flags, ...signed.flags]).not.toContain('ad')
  })

  test('validates while servers are down, forced and drained', async () => {
    await backends[0]!.stop()
    await until('the first is out', async () => {
      const { answer } = await dig(dnsPort, `first.${ZONE}`)
      return answer[0] === 'A 127.10.9.2'
    })
    await validates()
    const reason = { reason: 'test' }
    const order = { ...reason, source: 'test', healthy: false, force: true }
    const set = await api('PUT', `/overrides/pair.${ZONE}/127.10.9.2`, order)
    expect(set).not.toHaveProperty('error')
    const drain = { service: `heavy.${ZONE}`, address: '127.10.9.3', force: true, ...reason }
    expect(await api('POST', '/drains', drain)).not.toHaveProperty('error')
    await until('one is left of two', async () => {
      return (await dig(dnsPort, `pair.${ZONE}`)).answer.join() === 'A 127.10.9.3'
    })
    await validates()
    await backends[0]!.start()
    await until('the first is back', async () => {
      return (await dig(dnsPort, `first.${ZONE}`)).answer[0] === 'A 127.10.9.1'
    })
  }, 180_000)

  test('validates with what a reload brings, at once with it', async () => {
    program.configure(yaml({ text: 'two', host: 'none2' }))
    program.signal('SIGHUP')
    await until('the record is the new one', async () => {
      return (await dig(dnsPort, `www.${ZONE}`, 'TXT')).answer.join().includes('two')
    })
    await validates()
    const added = await dig(unboundPort, '+dnssec', `none2.${ZONE}`)
    expect([added.status, added.flags.includes('ad')]).toEqual(['NOERROR', true])
  }, 120_000)

  test('validates with what the API makes', async () => {
    const body = { name: `made.${ZONE}`, regions: ['main'], answers: 2, ttl: 1 }
    const made = await api('POST', '/domains', body)
    expect(made['domain']).toMatchObject({ dnssec_enabled: true })
    const server = { name: `made.${ZONE}`, address: '192.0.2.77', port: 80, region: 'main' }
    await api('POST', '/servers', { ...server, service: `made.${ZONE}` })
    await until('the name is there', async () => {
      return (await dig(dnsPort, `made.${ZONE}`)).status !== 'NXDOMAIN'
    })
    const told = await dig(unboundPort, '+dnssec', `made.${ZONE}`, 'TXT')
    expect([told.status, told.flags.includes('ad')]).toEqual(['NOERROR', true])
  })

  test('validates with hashed denial, once that is what the file asks for', async () => {
    program.configure(yaml({ denial: 'nsec3' }))
    program.signal('SIGHUP')
    await until('the parameters are there', async () => {
      return (await dig(dnsPort, ZONE, 'NSEC3PARAM')).answer.length > 0
    })
    await validates()
    program.configure(yaml())
    program.signal('SIGHUP')
    await until('they are gone', async () => {
      return (await dig(dnsPort, ZONE, 'NSEC3PARAM')).answer.length === 0
    })
  }, 180_000)

  test('asks the parent to take every DS away, signed, once the file does', async () => {
    const asked = async (type: string) => (await dig(unboundPort, '+dnssec', ZONE, type)).answer
    const ofKeys = (await asked('CDS'))[0]
    program.configure(yaml({ denial: 'nsec, cds_delete: true' }))
    program.signal('SIGHUP')
    await until('the parent is asked', async () => (await asked('CDS'))[0] === 'CDS 0 0 0 00')
    expect((await asked('CDNSKEY'))[0]).toBe('CDNSKEY 0 3 0 AA==')
    expect((await dig(unboundPort, '+dnssec', ZONE, 'CDS')).flags).toContain('ad')
    await validates()
    program.configure(yaml())
    program.signal('SIGHUP')
    await until('it is asked for the keys again', async () => (await asked('CDS'))[0] === ofKeys)
  }, 180_000)

  test('validates with compact denial, signed when it is asked for, and without budget', async () => {
    const missing = async () => {
      const { authority, status } = await dig(dnsPort, '+dnssec', `gone.${ZONE}`)
      return `${status} ${authority.filter((line) => line.startsWith('NSEC')).join()}`
    }
    program.configure(yaml({ denial: 'compact' }))
    program.signal('SIGHUP')
    // A dig that is older than the type writes its number.
    await until('a name has NXNAME', async () =>
      /^NOERROR NSEC .*(?:NXNAME|TYPE128)/.test(await missing()),
    )
    const status = (await api('GET', '/dnssec/status'))['zones'] as unknown as object[]
    expect(status).toMatchObject([{ zone: ZONE, denial: 'compact' }])
    for (const [relative, type] of QUESTIONS) {
      const told = await dig(unboundPort, '+dnssec', nameOf(relative), type)
      const isGood = told.status === 'NOERROR' && told.flags.includes('ad')
      expect([relative, type, isGood]).toEqual([relative, type, true])
      const where = ['@127.0.0.1', '-p', String(dnsPort), '-a', anchors, `+root=${ZONE}`]
      expect(await output('delv', [...where, nameOf(relative), type])).toContain('fully validated')
    }
    program.configure(yaml({ denial: 'compact, compact_signatures: 0' }))
    program.signal('SIGHUP')
    await until('the chain denies', async () => (await missing()).startsWith('NXDOMAIN'))
    await validates()
    program.configure(yaml())
    program.signal('SIGHUP')
  }, 180_000)

  test('keeps its keys and validates after kill -9', async () => {
    const before = await keys()
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await program.logged('OpenGSLB running', 40_000)
    await until('it answers', isServing, 20_000)
    expect((await keys()).map(({ key_tag: tag }) => tag)).toEqual(
      before.map(({ key_tag: tag }) => tag),
    )
    // Most signatures come from before as well; those of the last seconds were not saved yet.
    expect(program.output).toMatch(/"made":[0-9]+,"kept":[1-9][0-9]/)
    await validates()
  }, 180_000)

  test('validates with a second key beside the first, while a rollover waits', async () => {
    const done = await api('POST', '/dnssec/rollover', { zone: ZONE })
    expect(done).toMatchObject({ status: 'ok' })
    await until('the key is published', async () => {
      return (await dig(dnsPort, ZONE, 'DNSKEY')).answer.length === 2
    })
    expect((await keys()).map(({ phase }) => phase)).toEqual(['retiring', 'published'])
    await validates()
  }, 120_000)

  test('has its keys where their owner alone may read them, and exports them as BIND has them', async () => {
    const folder = join(program.folder, 'data', 'dnssec')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'keys.sealed')).mode & 0o777).toBe(0o600)
    const cli = join(import.meta.dirname, '../../dist/cli/main.js')
    const to = join(program.folder, 'exported')
    const told = await output('node', [
      ...[cli, 'dnssec', 'export', '--config', program.configPath, '--to', to],
    ])
    const files = told.trim().split('\n')
    expect(files).toHaveLength(4)
    for (const file of files) expect(statSync(file).mode & 0o077).toBe(0)
    const published = files.find((file) => file.endsWith('.key'))!
    if (!has('dnssec-dsfromkey')) return
    const ds = await output('dnssec-dsfromkey', ['-2', published])
    const tags = (await keys()).map(({ key_tag: tag }) => String(tag))
    expect(tags).toContain(/DS (\d+)/.exec(ds)?.[1])
  })

  test('is signed and examined by --check', async () => {
    const { code, output: told } = await runToEnd(['--config', program.configPath, '--check'])
    expect([code, told]).toEqual([0, expect.stringMatching(/DNSSEC: [0-9]+ signatures validate/)])
  })

  test('does not start with keys that do not open', async () => {
    await program.stop()
    program.configure(yaml().replace(KEY, 'e'.repeat(43)))
    program.start()
    expect(await program.exited()).not.toBe(0)
    expect(program.output).toContain('overwatch.dnssec.key_secret')
  }, 60_000)
})
