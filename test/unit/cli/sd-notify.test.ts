import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { notifyBy, sdNotify } from '../../../src/cli/sd-notify.ts'
import { loadNative } from '../../../src/native/index.ts'

const native = loadNative()
const hasAddon = native.ok

/** A PATH with a `systemd-notify` that writes down what it is told. */
function recorder() {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'))
  const record = join(folder, 'record')
  const program = join(folder, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\nprintf '%s|' "$@" "$NOTIFY_SOCKET" >> '${record}'\n`)
  chmodSync(program, 0o755)
  const env = { PATH: `${folder}:${process.env['PATH']}`, NOTIFY_SOCKET: '/run/notify' }
  return { env, told: () => readFileSync(record, 'utf8') }
}

test('the service manager is told the state and who speaks', async () => {
  const { env, told } = recorder()
  await sdNotify('READY=1', env)
  expect(told()).toBe(`--pid=${process.pid}|READY=1|/run/notify|`)
})

test('a status stays one line', async () => {
  const { env, told } = recorder()
  await sdNotify('STATUS=up\nREADY=1', env)
  expect(told()).toBe(`--pid=${process.pid}|STATUS=up READY=1|/run/notify|`)
})

test('outside a unit nothing is run', async () => {
  const { env, told } = recorder()
  await sdNotify('READY=1', { ...env, NOTIFY_SOCKET: '' })
  expect(told).toThrow(/ENOENT/)
})

test('without the program it resolves all the same', async () => {
  await sdNotify('READY=1', { NOTIFY_SOCKET: '/run/notify', PATH: '/nonexistent' })
})

test.runIf(hasAddon)(
  'the addon tells the manager itself, by path and by abstract name',
  async () => {
    const { env, told } = recorder()
    if (!native.ok) return
    const { sendDatagram } = native.value
    notifyBy(sendDatagram)
    const listener = `
    import socket, sys
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = sys.argv[1]
    s.bind('\\0' + name[1:] if name.startswith('@') else name)
    print('bound', flush=True)
    print(s.recv(100).decode())`.replace(/^ {4}/gm, '')
    const folder = mkdtempSync(join(tmpdir(), 'notify-'))
    for (const name of [join(folder, 'socket'), `@opengslb-test-${process.pid}`]) {
      const child = spawn('python3', ['-c', listener, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let heard = ''
      child.stdout.on('data', (chunk: Buffer) => {
        heard += chunk.toString()
        if (heard === 'bound\n') void sdNotify('READY=1', { ...env, NOTIFY_SOCKET: name })
      })
      await new Promise((resolve) => child.on('close', resolve))
      expect(heard).toBe('bound\nREADY=1\n')
    }
    expect(told).toThrow(/ENOENT/)
    // A socket that is not there is tried with systemd's own program.
    await sdNotify('READY=1', { ...env, NOTIFY_SOCKET: join(folder, 'none') })
    expect(told()).toContain('READY=1')
  },
)
