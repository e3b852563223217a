// Goal: an etcd cluster of others is reached by TLS with a certificate, signed in to by name, and
// again when it forgot; whoever has neither is refused, an endpoint that is gone is passed over.
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/actors/cluster/client.ts'
import type { Gateway } from '../../src/actors/cluster/contract.ts'
import { openGateway } from '../../src/actors/cluster/ports-gateway.ts'
import { watchBody, watchedOf } from '../../src/core/cluster/gateway.ts'
import { makeCertificates } from '../harness/certificates.ts'
import { Daemon } from '../harness/daemon.ts'
import { freePort, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

describe.runIf(has('etcd', 'etcdctl'))('an etcd with TLS and users', () => {
  const etcd = new Daemon()
  const tls = makeCertificates()
  const open = new Set<Gateway>()
  const own = join(tls.folder, 'nameless')
  const files = { certFile: `${own}.pem`, keyFile: `${own}.key`, caFile: tls.caFile }
  let url = ''

  const gateway = (username: string, password: string, more: object = {}) => {
    const target = { kind: 'external', endpoints: [url], username, password, tls: files } as const
    const opened = openGateway({ ...target, ...more })
    open.add(opened)
    return opened
  }
  const ctl = (...words: readonly string[]) => {
    const reach = ['--endpoints', url, '--cacert', tls.caFile, '--cert', tls.certFile]
    const env = { ...process.env, ETCDCTL_API: '3' }
    return spawnSync('etcdctl', [...reach, '--key', tls.keyFile, ...words], { env }).status
  }

  /** The gateway of etcd takes no certificate that has a common name. */
  function makeNameless(): void {
    const openssl = (words: string) => execFileSync('openssl', words.split(' '), { stdio: 'pipe' })
    const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    openssl(`req -new ${curve} -subj /O=opengslb -keyout ${own}.key -out ${own}.csr`)
    const authority = `-CA ${tls.caFile} -CAkey ${join(tls.folder, 'ca.key')} -CAcreateserial`
    openssl(`x509 -req -in ${own}.csr ${authority} -days 2 -out ${own}.pem`)
  }

  beforeAll(async () => {
    makeNameless()
    const [client, peer] = [await freePort(), await freePort()]
    url = `https://127.0.0.1:${client}`
    const peerUrl = `http://127.0.0.1:${peer}`
    etcd.start(
      'etcd',
      [
        ...['--data-dir', 'd', '--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', `default=${peerUrl}`],
        ...['--cert-file', tls.certFile, '--key-file', tls.keyFile],
        ...['--trusted-ca-file', tls.caFile, '--client-cert-auth', '--auth-token-ttl', '1'],
      ],
      {},
    )
    await until('it answers', () => ctl('endpoint', 'health') === 0, 20_000)
    expect(ctl('user', 'add', 'root:secret')).toBe(0)
    expect(ctl('user', 'grant-role', 'root', 'root')).toBe(0)
    expect(ctl('auth', 'enable')).toBe(0)
  }, 60_000)

  afterAll(async () => {
    for (const one of open) one.close()
    await etcd.stop()
    tls.remove()
  })

  test('takes values of one who signed in, and tells a watch of them', async () => {
    const opened = gateway('root', 'secret')
    const client = new Client(opened)
    expect(await client.put('/a/b', '1', '')).toBe(true)
    const seen: string[] = []
    opened.watch(
      watchBody('/a/', 1),
      (line) => {
        for (const { key } of watchedOf(line)?.events ?? []) seen.push(key)
      },
      () => {},
    )
    await until('the watch tells', () => seen.length === 1)
  })

  test('that has forgotten who signed in is told again', async () => {
    const client = new Client(gateway('root', 'secret'))
    expect(await client.put('/a/c', '1', '')).toBe(true)
    // A token ends a second after its last use.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await client.put('/a/c', '2', '')).toBe(true)
  })

  test('refuses a wrong password, no name, and no certificate', async () => {
    for (const [username, password] of [
      ['root', 'wrong'],
      ['', ''],
    ] as const)
      expect(await gateway(username, password).call('/v3/kv/put', { key: 'YQ==' }, 2_000)).toEqual(
        expect.objectContaining({ code: 'refused' }),
      )
    const bare = gateway('root', 'secret', { tls: { caFile: tls.caFile } })
    expect((await bare.call('/v3/kv/put', { key: 'YQ==' }, 2_000)).code).toBe('unreachable')
  })

  test('says why it takes no certificate with a common name', async () => {
    const named = { certFile: tls.certFile, keyFile: tls.keyFile, caFile: tls.caFile }
    const outcome = await gateway('root', 'secret', { tls: named }).call('/v3/kv/put', {}, 2_000)
    expect(outcome).toMatchObject({ code: 'refused' })
    expect(JSON.stringify(outcome)).toContain('CommonName')
  })

  test('is found behind an endpoint that is gone', async () => {
    const dead = `https://127.0.0.1:${await freePort()}`
    const client = new Client(gateway('root', 'secret', { endpoints: [dead, url] }))
    const puts: boolean[] = []
    for (let turn = 0; turn < 4; turn++) puts.push(await client.put('/a/d', '1', ''))
    expect(puts.slice(-2)).toEqual([true, true])
  })
})
