import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pinoLog } from '../../../src/kernel/log-pino.ts'

function world(format: 'json' | 'text', level: 'debug' | 'info' | 'error' = 'info') {
  const lines: string[] = []
  const log = pinoLog({ level, format, name: 'prober', write: (line) => lines.push(line) })
  return { log, lines }
}

describe('json', () => {
  test('a line has time, level, component, msg and the fields', () => {
    const { log, lines } = world('json')
    log.info('server is down', { address: '10.0.0.1', port: 80, nested: { a: [1] } })
    expect(lines).toHaveLength(1)
    expect(lines[0]!.endsWith('\n')).toBe(true)
    expect(JSON.parse(lines[0]!)).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'INFO',
      component: 'prober',
      msg: 'server is down',
      address: '10.0.0.1',
      port: 80,
      nested: { a: [1] },
    })
  })

  test('each level is written under its name, and those below the set one are not', () => {
    const { log, lines } = world('json', 'error')
    log.debug('no')
    log.info('no')
    log.warn('no')
    log.error('yes')
    log.setLevel('debug')
    log.debug('now')
    log.warn('too')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['ERROR', 'DEBUG', 'WARN'])
  })

  test('secrets are never written, at any depth', () => {
    const { log, lines } = world('json')
    log.info('x', {
      token: 's3cret',
      encryption_key: 's3cret',
      gossip: { password: 's3cret', tokens: ['s3cret'] },
      headers: { authorization: 's3cret', Cookie: 's3cret' },
    })
    expect(lines[0]).not.toMatch(/s3cret/)
    expect(lines[0]).toMatch(/\[redacted\]/)
  })

  test('errors, bytes, big numbers and cycles are told in a few words', () => {
    const { log, lines } = world('json')
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    log.error('x', { error: new Error('refused'), body: new Uint8Array(9), big: 10n, cycle })
    const line = JSON.parse(lines[0]!)
    expect(line).toMatchObject({ error: 'refused', body: '9 bytes', big: '10' })
  })

  test('a long value is cut', () => {
    const { log, lines } = world('json')
    log.info('x', { name: 'a'.repeat(100_000) })
    expect(lines[0]!.length).toBeLessThan(5_000)
  })

  test('a field cannot stand in for time, level, component or msg', () => {
    const { log, lines } = world('json')
    log.info('real', { level: 'ERROR', msg: 'fake', time: 'never', component: 'dns' })
    expect(lines[0]!.match(/"level":/g)).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'INFO', msg: 'real', msg_: 'fake' })
  })
})

describe('text', () => {
  test('a line is key=value, quoted where it needs to be', () => {
    const { log, lines } = world('text')
    log.warn('server is down', { address: '[::1]:80', why: 'a "b"', n: 1, list: [1, 2], empty: '' })
    const line = lines[0]!
    expect(line).toMatch(/^time=\S+Z level=WARN component=prober msg="server is down" /)
    expect(line).toMatch(/ address=\[::1\]:80 why="a \\"b\\"" n=1 list=\[1,2\] empty=""\n$/)
  })

  test('no value can forge a second line or field', () => {
    const { log, lines } = world('text')
    log.info('a\nlevel=ERROR msg=forged', { 'k=v x': 'b\nc d=e' })
    expect(lines[0]!.trimEnd()).not.toMatch(/\n/)
    expect(lines[0]).toMatch(/"k=v x"="b\\nc d=e"/)
  })
})

describe('where it goes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'log-'))

  test('a file is appended to, each line at once', () => {
    const file = join(dir, 'a.log')
    for (const msg of ['one', 'two']) {
      pinoLog({ level: 'info', format: 'json', name: 'x', file }).info(msg)
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`"msg":"${msg}"}\\n$`))
    }
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3)
    rmSync(dir, { recursive: true })
  })

  test('a file that cannot be opened is an error at once', () => {
    const file = join(tmpdir(), 'no', 'such', 'directory', 'x.log')
    expect(() => pinoLog({ level: 'info', format: 'json', name: 'x', file })).toThrow()
  })
})

test('the last line of a process that ends at once is not lost', () => {
  const dist = new URL('../../../dist/kernel/log-pino.js', import.meta.url).href
  const script = `
    const { pinoLog } = await import(${JSON.stringify(dist)})
    pinoLog({ level: 'info', format: 'json', name: 'x' }).info('last words')
    process.kill(process.pid, 'SIGKILL')`
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  expect(String(ended.stdout)).toMatch(/"msg":"last words"/)
})
