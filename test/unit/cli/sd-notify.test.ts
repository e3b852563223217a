import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sdNotify } from '../../../src/cli/sd-notify.ts'

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
