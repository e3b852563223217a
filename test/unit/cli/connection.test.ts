// Goal: tokens and keys are read from where they are safe, TLS is checked, and what is not safe is
// said.
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createPlain } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificates } from '../../harness/certificates.ts'
import { has } from '../../harness/tools.ts'
import { cli, fakeApi } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'cli-'))
const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})

describe('the token', () => {
  test('comes from an option, a file or the environment, in this order', async () => {
    const api = await fakeApi({ 'GET /api/v1/overrides': { overrides: [] } })
    closing.push(api.close)
    const path = file('token', 'from-file\n')
    const env = { OPENGSLB_TOKEN: 'from-env', OPENGSLB_TOKEN_FILE: path }
    const list = async (words: readonly string[], more: Record<string, string>) => {
      const { code } = await cli(['--api', api.url, 'overrides', ...words], more)
      expect(code).toBe(0)
      return api.seen.at(-1)!.headers.authorization
    }
    expect(await list(['--token', 'given', '--token-file', path], env)).toBe('Bearer given')
    expect(await list(['--token-file', path], env)).toBe('Bearer from-file')
    expect(await list([], env)).toBe('Bearer from-env')
    expect(await list([], { OPENGSLB_TOKEN_FILE: path })).toBe('Bearer from-file')
    expect(await list([], {})).toBeUndefined()
  })

  for (const mode of [0o640, 0o604, 0o644, 0o660])
    test(`a file of mode ${mode.toString(8)} is refused, with what to do`, async () => {
      const path = file(`token-${mode}`, 'secret', mode)
      const { code, err } = await cli(['--token-file', path, 'status'])
      expect(code).toBe(2)
      expect(err).toContain(`others can read ${path} (mode 0${mode.toString(8)})`)
      expect(err).toContain(`Hint: run: chmod 600 ${path}`)
    })

  test('that no header could carry is refused, and not shown', async () => {
    const bad = 'se cret\r'
    for (const [words, env, from] of [
      [['--token', bad], {}, '--token'],
      [[], { OPENGSLB_TOKEN: bad }, 'OPENGSLB_TOKEN'],
    ] as const) {
      const { code, err } = await cli([...words, 'status'], env)
      expect([code, err]).toEqual([2, expect.stringContaining(`${from}: holds a character`)])
      expect(err).not.toContain('cret')
    }
  })

  test('an empty file and a missing one are named', async () => {
    expect((await cli(['--token-file', file('none', '\n'), 'status'])).err).toMatch(/no token in/)
    const { code, err } = await cli(['--token-file', join(folder, 'gone'), 'status'])
    expect([code, err]).toEqual([2, expect.stringMatching(/gone cannot be read \(ENOENT\)/)])
  })

  test('to another machine in plain HTTP it goes with a warning', async () => {
    const argv = ['--api', 'http://192.0.2.1:1', '--timeout', '50ms', '--token', 't', 'status']
    expect((await cli(argv)).err).toMatch(
      /^Warning: the token goes to http:\/\/192\.0\.2\.1:1 without/,
    )
    expect((await cli(['--api', 'http://127.0.0.1:1', '--token', 't', 'status'])).err).not.toMatch(
      /Warning/,
    )
  })
})

describe('what is not the API', () => {
  const COMMANDS = [
    'agents forget a1',
    'overrides clear web 10.0.0.1:80',
    'drain stop d1',
    'servers delete web:10.0.0.1:80',
    'geo remove 10.0.0.0/8',
    'dnssec ds',
    'servers list',
    'status',
  ]
  const answers: readonly [string, number, Record<string, string>, string, RegExp][] = [
    ['a redirect', 301, { location: 'https://a/' }, 'moved', /301, a redirect to "https:\/\/a\/"/],
    ['a page', 200, { 'content-type': 'text/html' }, '<h1>Welcome</h1>', /is not the API/],
    ['a word', 200, {}, '"fine"', /is not the API/],
    ['nothing', 200, {}, '', /is not the API/],
  ]
  for (const [what, status, headers, body, words] of answers)
    test(`${what} is no success of any command`, async () => {
      const server = createPlain((_request, response) => {
        response.writeHead(status, headers).end(body)
      })
      await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
      closing.push(() => server.close())
      const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      for (const line of COMMANDS) {
        const { code, out, err } = await cli(['--api', api, ...line.split(' ')])
        expect([line, code, out]).toEqual([line, 3, ''])
        expect(err).toMatch(words)
      }
    })
})

describe.runIf(has('openssl'))('TLS', () => {
  let certificates: ReturnType<typeof makeCertificates>
  let url = ''
  beforeAll(async () => {
    certificates = makeCertificates()
    closing.push(() => certificates.remove())
    const server = createServer(
      {
        key: readFileSync(certificates.keyFile),
        cert: readFileSync(certificates.certFile),
        ca: certificates.ca,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const { authorized } = request.socket as unknown as { authorized: boolean }
        response.end(JSON.stringify({ overrides: [], authorized }))
      },
    )
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    closing.push(() => server.close())
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  const list = (...words: string[]) => cli(['--api', url, '--json', 'overrides', ...words])

  test('a certificate nobody vouches for is refused, with --cacert as the hint', async () => {
    const { code, err } = await list()
    expect(code).toBe(3)
    expect(JSON.parse(err)).toMatchObject({ hint: expect.stringContaining('--cacert') })
  })

  test('--cacert trusts it, and --cert and --key show ours', async () => {
    const ca = ['--cacert', certificates.caFile]
    expect(JSON.parse((await list(...ca)).out)).toMatchObject({ authorized: false })
    const own = ['--cert', certificates.certFile, '--key', certificates.keyFile]
    chmodSync(certificates.keyFile, 0o600)
    expect(JSON.parse((await list(...ca, ...own)).out)).toMatchObject({ authorized: true })
    expect((await list(...ca, '--cert', certificates.certFile)).code).toBe(2)
    chmodSync(certificates.keyFile, 0o644)
    expect(await list(...ca, ...own)).toMatchObject({ code: 2 })
  })

  test('--insecure connects, and warns each time', async () => {
    const { code, err } = await list('--insecure')
    expect([code, err]).toEqual([0, expect.stringMatching(/^Warning: --insecure: /)])
  })

  test('http to a TLS port, and https to a plain one, have the hint that helps', async () => {
    const plain = await cli(['--api', url.replace('https', 'http'), 'status'])
    expect([plain.code, plain.err]).toEqual([3, expect.stringMatching(/Hint: .*https:\/\//)])
    const api = await fakeApi({})
    closing.push(api.close)
    const tls = await cli(['--api', api.url.replace('http', 'https'), 'status'])
    expect([tls.code, tls.err]).toEqual([3, expect.stringMatching(/Hint: .*http:\/\//)])
  })
})
