// Goal: the package has what runs replace itself, whatever systemd there is, and says so where it
// could not. Method: the script with commands of the test in its path.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const postinst = readFileSync(new URL('../../../deploy/debian/postinst', import.meta.url), 'utf8')
const NOT_HERE = ['getent', 'install', 'chown', 'chmod', 'setcap']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-deb-'))
  mkdirSync(join(folder, 'bin'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function command(name: string, body: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}

/** Configures the package where systemd says that `opengslb` runs as this process. */
function configure(mainPid: number) {
  for (const name of NOT_HERE) command(name, 'exit 0')
  command(
    'systemctl',
    `case "$*" in
  daemon-reload|'--quiet is-active opengslb'|'try-restart opengslb-agent') exit 0 ;;
  'show --property MainPID opengslb') echo MainPID=${mainPid} ;;
  *) exit 1 ;;
esac`,
  )
  const script = join(folder, 'postinst')
  writeFileSync(script, postinst.replace('/run/systemd/system', folder))
  const env = { PATH: join(folder, 'bin') }
  const { status, stderr } = spawnSync('/bin/sh', [script, 'configure'], { env, encoding: 'utf8' })
  return { status, stderr }
}

test('the main process of a unit that runs is told', async () => {
  const child = spawn('sleep', ['30'])
  const ended = new Promise((settle) => child.on('exit', (_code, signal) => settle(signal)))
  expect(configure(child.pid!)).toEqual({ status: 0, stderr: '' })
  expect(await ended).toBe('SIGUSR2')
})

test.each([0, 2 ** 22 + 1])('where it cannot be (process %i) that is said', (pid) => {
  const { status, stderr } = configure(pid)
  expect(status).toBe(0)
  expect(stderr).toContain('the old version runs on in opengslb: systemctl restart opengslb\n')
})
