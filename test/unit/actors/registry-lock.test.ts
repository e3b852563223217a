// Goal: one owner for each data directory; the lock is free the moment its owner is gone.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockDataDir } from '../../../src/actors/registry/ports-lock.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/**
 * A new directory that nobody holds. A lock is by inode, and a new directory may have that of one
 * that was removed while its owner lives on: a test before these may have left such an owner.
 */
async function fresh(name: string): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const path = join(root, `${name}${attempt}`)
    const lock = await lockDataDir(path)
    if (!lock.ok) continue
    lock.value.release()
    return path
  }
  throw new Error('each new directory is held')
}

async function taken(path: string) {
  const lock = await lockDataDir(path)
  if (!lock.ok) throw new Error(lock.error.message)
  return lock.value
}

test('a second owner is refused, with the key, the path and the pid of the first', async () => {
  const path = await fresh('a')
  const lock = await taken(path)
  const second = await lockDataDir(path)
  expect(second).toMatchObject({ ok: false, error: { code: 'data-dir-in-use' } })
  const message = second.ok ? '' : second.error.message
  for (const part of ['overwatch.data_dir', path, `process ${process.pid}`]) {
    expect(message).toContain(part)
  }
  lock.release()
})

test('once released it is free at once', async () => {
  const path = await fresh('b')
  for (let turn = 0; turn < 20; turn++) (await taken(path)).release()
})

test('another path to the same directory is the same lock', async () => {
  const path = await fresh('c')
  const lock = await taken(path)
  await symlink(path, join(root, 'c-link'))
  expect((await lockDataDir(join(root, 'c-link'))).ok).toBe(false)
  expect((await lockDataDir(await fresh('d'))).ok).toBe(true)
  lock.release()
})

test('the directory is made closed to others, the pid file too', async () => {
  const path = await fresh(join('deep', 'er'))
  const lock = await taken(path)
  expect((await stat(path)).mode & 0o777).toBe(0o750)
  expect((await stat(join(path, 'owner.pid'))).mode & 0o777).toBe(0o600)
  expect(await readFile(join(path, 'owner.pid'), 'utf8')).toBe(`${process.pid}\n`)
  lock.release()
})

test('a full disk is no reason not to start, and the lock holds all the same', async () => {
  const path = await fresh('full')
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', path]).status).toBe(0)
  try {
    await writeFile(join(path, 'filler'), Buffer.alloc(4_096))
    const lock = await taken(path)
    expect(await lockDataDir(path)).toMatchObject({ error: { code: 'data-dir-in-use' } })
    lock.release()
    ;(await taken(path)).release()
  } finally {
    spawnSync('umount', [path])
  }
})

test('a path that cannot be a directory is a fault that names the key', async () => {
  const lock = await lockDataDir('/proc/none/data')
  expect(lock).toMatchObject({ ok: false, error: { code: 'data-dir-unusable' } })
})

test('an empty path is memory only and needs no lock', async () => {
  expect((await lockDataDir('')).ok).toBe(true)
})

test.runIf(process.platform === 'linux')(
  'the lock of a killed process is free at once',
  async () => {
    const path = await fresh('e')
    const lock = await taken(path)
    lock.release()
    const { dev, ino } = await stat(path)
    const program = `
    const hash = require('node:crypto').createHash('sha256')
    const name = hash.update('${dev}:${ino}').digest('hex').slice(0, 32)
    const server = require('node:net').createServer()
    server.listen('\\0opengslb-data-' + name, () => console.log('held'))`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect((await lockDataDir(path)).ok).toBe(false)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    ;(await taken(path)).release()
  },
)
