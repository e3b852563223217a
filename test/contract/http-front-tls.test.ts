/**
 * TLS on the HTTP front, asked by a real TLS client that trusts only the test's own authority.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type {
  HttpFront,
  HttpLimits,
  Listen,
  TlsFile,
  TlsFiles,
} from '../../src/actors/shell/contract.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { type Certificates, makeCertificates } from '../harness/certificates.ts'
import { has } from '../harness/tools.ts'

const fronts: [string, Listen][] = [['node', listenNode]]

let files: Certificates
beforeAll(() => {
  if (has('openssl')) files = makeCertificates()
})
afterAll(() => files?.remove())
const open: HttpFront[] = []
afterEach(async () => {
  for (const front of open.splice(0)) await front.close()
})

async function serve(listen: Listen, tls?: Partial<TlsFiles>, limits: Partial<HttpLimits> = {}) {
  const opened = await listen({
    address: '127.0.0.1:0',
    onFault: () => {},
    limits,
    onRequest: async ({ method, path, body, remoteAddress, certificate: shown }) => ({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: `${method} ${path} ${body.length} ${remoteAddress}${shown ? ` ${shown.subject}` : ''}`,
    }),
    tls: { certFile: files.certFile, keyFile: files.keyFile, ...tls },
  })
  if (opened.ok) open.push(opened.value)
  return opened
}

async function portOf(listen: Listen): Promise<number> {
  const opened = await serve(listen)
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value.port
}

/** What the server answered, or the code of the error that ended the attempt. */
function ask(port: number, options: object = {}, body = Buffer.alloc(0), send = request) {
  return new Promise<string>((settle) => {
    const asked = send(
      { host: '127.0.0.1', port, path: '/a?b=1', method: 'POST', agent: false, ...options },
      (response) => {
        let text = `${response.statusCode} `
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => settle(text))
      },
    )
    asked.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
    asked.end(body)
  })
}

describe.runIf(has('openssl')).each(fronts)('TLS on %s', (_name, listen) => {
  test('a client that trusts the authority is served, small and large', async () => {
    const port = await portOf(listen)
    expect(await ask(port, { ca: files.ca })).toBe('200 POST /a 0 127.0.0.1')
    const large = Buffer.alloc(1_000_000, 0x61)
    expect(await ask(port, { ca: files.ca }, large)).toBe('200 POST /a 1000000 127.0.0.1')
  })

  test('plain HTTP on the same port is served where it is allowed, and only there', async () => {
    const both = await serve(listen, { plain: 'loopback' })
    const strict = await serve(listen)
    if (!both.ok || !strict.ok) throw new Error('does not listen')
    const large = Buffer.alloc(1_000_000, 0x61)
    for (const body of [Buffer.alloc(0), large]) {
      const told = `200 POST /a ${body.length} 127.0.0.1`
      expect(await ask(both.value.port, { ca: files.ca }, body)).toBe(told)
      expect(await ask(both.value.port, {}, body, plainRequest)).toBe(told)
    }
    expect(await ask(strict.value.port, {}, large.subarray(0, 9), plainRequest)).toMatch(/^E/)
  })

  test('a connection that says nothing, or one byte, is ended in time on a port of both', async () => {
    const opened = await serve(listen, { plain: 'all' }, { requestMs: 300 })
    if (!opened.ok) throw new Error(opened.error.message)
    for (const bytes of ['', '\u0016', 'G']) {
      const startMs = performance.now()
      const socket = connect(opened.value.port, '127.0.0.1', () => socket.write(bytes))
      socket.on('error', () => {})
      socket.resume()
      await new Promise((settle) => void socket.on('close', settle))
      expect(performance.now() - startMs).toBeLessThan(3_000)
    }
    expect(await ask(opened.value.port, { ca: files.ca })).toMatch(/^200 /)
  })

  test('a client that has to show a certificate does so beside plain clients', async () => {
    const opened = await serve(listen, { clientCaFile: files.caFile, plain: 'all' })
    if (!opened.ok) throw new Error(opened.error.message)
    expect(await ask(opened.value.port, {}, Buffer.alloc(0), plainRequest)).toMatch(/^200 /)
    expect(await ask(opened.value.port, { ca: files.ca })).toMatch(/^200 /)
  })

  test('TLS 1.3 and 1.2 are spoken, and nothing older', async () => {
    const port = await portOf(listen)
    const only = (version: string) =>
      // At this level the client would agree to the old version if the server did.
      ask(port, {
        ca: files.ca,
        minVersion: version,
        maxVersion: version,
        ciphers: 'ALL:@SECLEVEL=0',
      })
    expect(await only('TLSv1.3')).toMatch(/^200 /)
    expect(await only('TLSv1.2')).toMatch(/^200 /)
    expect(await only('TLSv1.1')).toMatch(/^E/)
  })

  test('a client that does not know the authority refuses the server', async () => {
    expect(await ask(await portOf(listen))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  test('a request in the clear gets no answer of the API', async () => {
    const said = await ask(await portOf(listen), {}, Buffer.alloc(0), plainRequest as never)
    expect(said).not.toMatch(/^200 /)
  })

  test('the end of the certificate is told', async () => {
    const opened = await serve(listen)
    const ends = opened.ok ? Date.parse(opened.value.certificateEnds ?? '') : 0
    expect(Math.round((ends - Date.now()) / 86_400_000)).toBe(2)
  })

  test('close does not wait for a client in the middle of its handshake', async () => {
    const port = await portOf(listen)
    const socket = connect(port, '127.0.0.1')
    const closed = new Promise((settle) => socket.once('close', settle))
    socket.on('error', () => {})
    await new Promise((settle) => socket.once('connect', settle))
    socket.write(Buffer.from([22, 3, 1]))
    // Served, so the listener has accepted the half client before it.
    await ask(port, { ca: files.ca })
    const startMs = performance.now()
    await open.pop()!.close()
    await closed
    expect(performance.now() - startMs).toBeLessThan(2_000)
  })

  test('what is wrong with a file is told with its path', async () => {
    const at = (name: string) => join(files.folder, name)
    writeFileSync(at('empty.pem'), '')
    const encrypt = ['-aes128', '-passout', 'pass:secret']
    execFileSync('openssl', ['ec', '-in', files.keyFile, ...encrypt, '-out', at('locked.key')], {
      stdio: 'pipe',
    })
    const faultOf = async (tls: Partial<TlsFiles>) => {
      const opened = await serve(listen, tls)
      return opened.ok ? 'none' : { ...opened.error }
    }
    const fault = (file: TlsFile, message: string) => ({ code: 'bad-tls', message, file })
    expect(await faultOf({ certFile: at('none.pem') })).toEqual(
      fault('certFile', `${at('none.pem')}: there is no such file`),
    )
    expect(await faultOf({ keyFile: files.folder })).toEqual(
      fault('keyFile', `${files.folder}: is a folder`),
    )
    expect(await faultOf({ certFile: at('empty.pem') })).toEqual(
      fault('certFile', `${at('empty.pem')}: holds no certificate (PEM)`),
    )
    expect(await faultOf({ keyFile: files.certFile })).toEqual(
      fault('keyFile', `${files.certFile}: holds no private key (PEM)`),
    )
    expect(await faultOf({ keyFile: at('locked.key') })).toEqual(
      fault('keyFile', `${at('locked.key')}: is encrypted; a key without a passphrase is needed`),
    )
    expect(await faultOf({ keyFile: files.otherKeyFile })).toEqual(
      fault(
        'keyFile',
        `${files.otherKeyFile}: does not belong to the certificate in ${files.certFile}`,
      ),
    )
  })

  test('a renewed certificate is served without closing the listener or a connection', async () => {
    const opened = await serve(listen)
    if (!opened.ok) throw new Error(opened.error.message)
    const { port, renewTls } = opened.value
    const serialOf = () =>
      new Promise<string>((settle) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca: files.ca }, () => {
          settle(socket.getPeerCertificate().serialNumber)
          socket.destroy()
        })
      })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const before = await serialOf()
    expect(await ask(port, { ca: files.ca, agent })).toMatch(/^200 /)
    expect(renewTls?.()).toMatchObject({ ok: true, value: { changed: false } })
    files.renew()
    expect(await serialOf()).toBe(before)
    expect(renewTls?.()).toMatchObject({ ok: true, value: { changed: true } })
    expect(await serialOf()).not.toBe(before)
    // The connection of before goes on.
    expect(await ask(port, { ca: files.ca, agent })).toMatch(/^200 /)
    agent.destroy()
  })

  test('a renewal that cannot be used changes nothing and names the file', async () => {
    const certFile = join(files.folder, 'renewed.pem')
    const keyFile = join(files.folder, 'renewed.key')
    writeFileSync(certFile, readFileSync(files.certFile))
    writeFileSync(keyFile, readFileSync(files.keyFile))
    const opened = await serve(listen, { certFile, keyFile })
    if (!opened.ok) throw new Error(opened.error.message)
    writeFileSync(certFile, 'half of it')
    const renewed = opened.value.renewTls?.()
    expect(renewed).toMatchObject({ ok: false, error: { code: 'bad-tls', file: 'certFile' } })
    expect(await ask(opened.value.port, { ca: files.ca })).toMatch(/^200 /)
  })

  describe('clients with certificates', () => {
    const served = async (clientMust: boolean) => {
      const opened = await serve(listen, { clientCaFile: files.caFile, clientMust })
      if (!opened.ok) throw new Error(opened.error.message)
      return opened.value.port
    }

    test('one that is verified reaches the handler with its subject', async () => {
      for (const must of [true, false]) {
        const port = await served(must)
        const said = await ask(port, { ca: files.ca, ...files.client('ops, eu') })
        expect(said).toBe('200 POST /a 0 127.0.0.1 O=Example,CN=ops\\, eu')
      }
    })

    test('none is refused where one is required, and let in where it is asked for', async () => {
      expect(await ask(await served(true), { ca: files.ca })).toMatch(/^E/)
      expect(await ask(await served(false), { ca: files.ca })).toBe('200 POST /a 0 127.0.0.1')
    })

    test('one of another authority is refused either way', async () => {
      const others = makeCertificates()
      const stranger = others.client('ops')
      others.remove()
      for (const must of [true, false])
        expect(await ask(await served(must), { ca: files.ca, ...stranger })).toMatch(/^E/)
    })

    test('a listener that asks for none sees none', async () => {
      const port = await portOf(listen)
      const said = await ask(port, { ca: files.ca, ...files.client('ops') })
      expect(said).toBe('200 POST /a 0 127.0.0.1')
    })
  })
})
