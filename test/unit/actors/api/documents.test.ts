// Goal: a document is on disk whole or not at all.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDocuments } from '../../../../src/actors/api/ports-documents.ts'
import { readMachine } from '../../../../src/actors/api/ports-machine.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const folderOf = () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-documents-'))
  folders.push(folder)
  return folder
}

test('what is written is read, also by the next process, and only by its owner', async () => {
  const folder = join(folderOf(), 'data')
  const documents = openDocuments(folder)
  expect(await documents.readDocument('a.json')).toBeUndefined()
  expect(await documents.writeDocument('a.json', '{"x":1}')).toEqual({ code: 'written' })
  expect(await documents.writeDocument('a.json', '{"x":2}')).toEqual({ code: 'written' })
  expect(await openDocuments(folder).readDocument('a.json')).toBe('{"x":2}')
  expect(readdirSync(folder)).toEqual(['a.json'])
  expect(statSync(join(folder, 'a.json')).mode & 0o777).toBe(0o600)
})

test('a fault is told, and what was there stays', async () => {
  const folder = folderOf()
  writeFileSync(join(folder, 'file'), 'x')
  const broken = openDocuments(join(folder, 'file'))
  const outcome = await broken.writeDocument('a.json', '{}')
  expect(outcome).toMatchObject({ code: 'failed', message: expect.any(String) })
  expect(await broken.readDocument('a.json')).toBeUndefined()
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('x')
})

test('a file too large is none, and without a folder documents are kept in memory', async () => {
  const folder = folderOf()
  writeFileSync(join(folder, 'a.json'), 'x'.repeat(1_000_000))
  expect(await openDocuments(folder).readDocument('a.json')).toBeUndefined()
  const memory = openDocuments(undefined)
  await memory.writeDocument('a.json', '{}')
  expect(await memory.readDocument('a.json')).toBe('{}')
})

test('the machine has cores, memory, and time that goes on', () => {
  const one = readMachine()
  expect(one.cores).toBeGreaterThan(0)
  expect(one.rssBytes).toBeGreaterThan(1_000_000)
  expect(one.totalBytes).toBeGreaterThan(one.availableBytes)
  const { userMs, systemMs, idleMs, processMs } = readMachine()
  expect(userMs + systemMs + idleMs).toBeGreaterThanOrEqual(one.userMs + one.systemMs + one.idleMs)
  expect(processMs).toBeGreaterThan(one.processMs)
})
