// Goal: the package has what runs replace itself, whatever systemd there is, ends when that is
// done, and says so where it is not. Method: the script with commands of the test in its path.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
async function configure(mainPid: number, atSleep = '') {
  for (const name of NOT_HERE) command(name, 'exit 0')
  const told = join(folder, 'main-pid')
  writeFileSync(told, `MainPID=${mainPid}\n`)
  command('sleep', `echo . >> ${folder}/slept; ${atSleep.replace('TOLD', told)}`)
  command(
    'systemctl',
    `case "$*" in
  daemon-reload|'--quiet is-active opengslb'|'try-restart opengslb-agent') exit 0 ;;
  'show --property MainPID opengslb') read -r line < ${told}; echo "$line" ;;
  *) exit 1 ;;
esac`,
  )
  const script = join(folder, 'postinst')
  writeFileSync(script, postinst.replace('/run/systemd/system', folder))
  const env = { PATH: join(folder, 'bin') }
  const child = spawn('/bin/sh', [script, 'configure'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const status = await new Promise((settle) => child.on('close', settle))
  const slept = join(folder, 'slept')
  return { status, stderr, sleeps: existsSync(slept) ? readFileSync(slept, 'utf8').length / 2 : 0 }
}

test('the main process of a unit that runs is told, and its successor waited for', async () => {
  const child = spawn('sleep', ['30'])
  const ended = new Promise((settle) => child.on('exit', (_code, signal) => settle(signal)))
  const atSleep = `[ $(grep -c . ${folder}/slept) -lt 3 ] || echo MainPID=4000000 > TOLD`
  command('grep', 'exec /usr/bin/grep "$@"')
  expect(await configure(child.pid!, atSleep)).toEqual({ status: 0, stderr: '', sleeps: 3 })
  expect(await ended).toBe('SIGUSR2')
})

test('one that names a successor and does not end is waited for, and one that never does', async () => {
  const child = spawn('sh', ['-c', 'trap "" USR2; echo up; exec sleep 30'])
  await new Promise((settle) => child.stdout.once('data', settle))
  const late =
    'opengslb: the old version still runs in opengslb after 30 s; why: journalctl -u opengslb\n'
  for (const atSleep of ['echo MainPID=4000000 > TOLD', ''])
    expect((await configure(child.pid!, atSleep)).stderr).toBe(late)
  expect((await configure(child.pid!)).status).toBe(0)
  child.kill('SIGKILL')
})

test.each([0, 2 ** 22 + 1])('where it cannot be (process %i) that is said', async (pid) => {
  const { status, stderr, sleeps } = await configure(pid)
  expect(status).toBe(0)
  expect(stderr).toContain('the old version runs on in opengslb: systemctl restart opengslb\n')
  expect(sleeps).toBe(0)
})
