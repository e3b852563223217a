// Goal: `drain start --wait` and `drain show --wait` end when the server may be stopped, and not
// before; whoever watches sees why it is not yet so.
import { afterEach, describe, expect, test } from 'vitest'
import { cli, fakeApi, fakeTerminal, Refusal } from './run.ts'

const apis: { close(): void }[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})

const drainOf = (safe: boolean | 'unknown', why: string) => ({
  ...{ id: 'd1', backend: 'app:10.0.0.1:80', reason: 'work', by: 'ann', since: 'now', safe, why },
})

/** An API whose drain says one thing after the other, none once it has ended; the last stays. */
async function api(...answers: readonly unknown[]) {
  let turn = 0
  const found = await fakeApi({
    'POST /api/v1/drains': { message: '1 backends drained', ids: ['d1'] },
    'GET /api/v1/drains': () => {
      const drain = answers[Math.min(turn++, answers.length - 1)]
      return { drains: drain === undefined ? [] : [drain] }
    },
  })
  apis.push(found)
  return found
}

const START = ['drain', 'start', 'app', '--reason', 'work', '--wait']

describe('waiting for a drain', () => {
  test('a line for each change, and exit 0 once it is safe', async () => {
    const { run } = await api(
      drainOf(false, '2 connections remain'),
      drainOf(true, 'no connection remains'),
    )
    const { code, out, err } = await run(...START)
    expect(code).toBe(0)
    expect(out).toBe('1 backends drained.\n  d1\nSafe to stop: app:10.0.0.1:80.')
    expect(err.split('\n')).toEqual([
      'app:10.0.0.1:80: 2 connections remain (0 s)',
      expect.stringMatching(/^safe to stop \([01] s\)$/),
    ])
  })

  test('on a terminal one line is rewritten, and gone at the end', async () => {
    const { url } = await api(drainOf(false, 'why\u001b[2J not'), drainOf(true, ''))
    const terminal = fakeTerminal(60)
    const { code, err } = await cli(
      ['--api', url, 'drain', 'show', 'd1', '--wait'],
      {},
      { terminal },
    )
    expect([code, err]).toEqual([0, ''])
    const written = terminal.written()
    expect(written).toMatch(/^\r\u001b\[Kapp:10\.0\.0\.1:80: why\?\[2J not \(0 s\)\r/)
    expect(written.endsWith('\r\u001b[K')).toBe(true)
  })

  test('not safe in time is exit 4, and the drain goes on', async () => {
    const { run, seen } = await api(drainOf('unknown', 'nobody counts'))
    const { code, err } = await run(...START, '--wait-timeout', '1s')
    expect(code).toBe(4)
    expect(err).toMatch(
      /nobody counts[\s\S]*Error: not safe to stop within 1 s\nHint: the drain goes/,
    )
    expect(seen.some(({ name }) => name.startsWith('DELETE'))).toBe(false)
  })

  test('a time that is none is a wrong command line, and nothing was drained', async () => {
    const { run, seen } = await api(drainOf(true, ''))
    for (const words of [START, ['drain', 'show', 'd1', '--wait']]) {
      const { code, err } = await run(...words, '--wait-timeout', '600')
      expect([code, err]).toEqual([2, expect.stringContaining('--wait-timeout: "600" is not a')])
    }
    expect(seen).toEqual([])
  })

  test('a drain that ends meanwhile is exit 4: its server serves again', async () => {
    const { run } = await api(drainOf(false, 'waiting'), undefined)
    const { code, err } = await run('drain', 'show', 'd1', '--wait')
    expect(code).toBe(4)
    expect(err).toContain('a drain has ended before its server was safe to stop')
  })

  test('of many servers is one question a second, and one that is refused is repeated', async () => {
    const ids = Array.from({ length: 400 }, (_, at) => `d${at}`)
    let turn = 0
    const drains = () => ids.map((id) => ({ ...drainOf(turn > 1, 'waiting'), id }))
    const found = await fakeApi({
      'POST /api/v1/drains': { message: '400 backends drained', ids },
      'GET /api/v1/drains': () => {
        turn++
        return turn === 1 ? new Refusal(429) : { drains: drains() }
      },
    })
    apis.push(found)
    const { code, out } = await found.run(...START)
    expect([code, out.match(/Safe to stop/g)]).toEqual([
      0,
      expect.objectContaining({ length: 400 }),
    ])
    expect(found.seen).toHaveLength(3)
  })

  test('an API that restarts is waited for', async () => {
    const found = await api(drainOf(true, ''))
    const { port } = new URL(found.url)
    const answers = found.server
    await new Promise((settle) => answers.close(settle))
    setTimeout(() => answers.listen(Number(port), '127.0.0.1'), 300)
    expect((await found.run('drain', 'show', 'd1', '--wait')).code).toBe(0)
  })

  test('Ctrl-C ends the waiting', async () => {
    const { url } = await api(drainOf(false, 'waiting'))
    const stopper = new AbortController()
    setTimeout(() => stopper.abort(), 100)
    const argv = ['--api', url, 'drain', 'show', 'd1', '--wait']
    const { code, err } = await cli(argv, {}, { stopped: stopper.signal })
    expect(code).toBe(4)
    expect(err).toContain('stopped waiting; the drain goes on')
  })

  test('where connections cannot be counted, --by-time is content with the time', async () => {
    const drain = drainOf('unknown', 'nobody counts')
    const soon = new Date(Date.now() + 500).toISOString()
    const { run } = await api({ ...drain, safe_by_time: soon })
    const { code, out, err } = await run('drain', 'show', 'd1', '--wait', '--by-time')
    expect([code, out]).toEqual([0, 'Safe to stop as far as time tells: app:10.0.0.1:80.'])
    expect(err).toContain(`nobody counts, by time safe at ${soon}`)
  })

  test('an agent, which cannot tell, is not waited for', async () => {
    const { run } = await api({ id: 'd1', backend: 'x', reason: 'y', by: 'z' })
    const { code, err } = await run('drain', 'show', 'd1', '--wait')
    expect([code, err]).toEqual([4, expect.stringContaining('Hint: the drain goes on; wait at an')])
  })

  test('--json prints one object, at the end', async () => {
    const { run } = await api(drainOf(false, 'waiting'), drainOf(true, ''))
    const { out, err } = await run('--json', ...START)
    expect(JSON.parse(out)).toMatchObject({ safe: true, drains: [{ id: 'd1', safe: true }] })
    expect(err).toBe('')
  })
})
