// Goal: a TCP load balancer in front of us passes queries on and sees us as up.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Daemon } from '../harness/daemon.ts'
import { type Overwatch, startOverwatch } from '../harness/overwatch.ts'
import { freePort, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

describe.runIf(has('dig', 'haproxy'))('HAProxy in mode tcp with check', () => {
  const haproxy = new Daemon()
  let overwatch: Overwatch
  let port: number

  beforeAll(async () => {
    overwatch = await startOverwatch('balanced.test')
    port = await freePort()
    haproxy.start('haproxy', ['-db', '-f', 'haproxy.cfg'], {
      'haproxy.cfg': `
defaults
  mode tcp
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend dns
  bind 127.0.0.1:${port}
  default_backend overwatches
backend overwatches
  server one 127.0.0.1:${overwatch.port} check inter 200ms
`,
    })
    await until(
      `haproxy passes on ${haproxy.output}`,
      async () => (await dig(port, '+tcp', 'app.balanced.test')).status === 'NOERROR',
    )
  })
  afterAll(async () => {
    await haproxy.stop()
    await overwatch?.stop()
  })

  test('queries over TCP come through', async () => {
    for (let turn = 0; turn < 5; turn++)
      expect((await dig(port, '+tcp', 'app.balanced.test')).answer[0]).toMatch(/^A 127\.10\.3\./)
  })

  test('its health checks, connections that say nothing, leave us answering and up', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect((await dig(port, '+tcp', 'app.balanced.test')).status).toBe('NOERROR')
    expect(haproxy.output).not.toMatch(/is DOWN/)
  })
})
