/**
 * The snapshot of a member as a file: streamed to disk, checked, then put in the place of the one
 * before, which is kept once more.
 *
 * etcd sends its database and after it the SHA-256 of that; both together are what
 * `etcdctl snapshot restore` reads, so the file is what came.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import * as http from 'node:http'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import { SNAPSHOT, SOCKET } from '../../core/cluster/engine.ts'
import { paths, snapshotPartOf } from '../../core/cluster/gateway.ts'
import type { SnapshotOutcome } from './contract.ts'

const SUM_BYTES = 32

/** The answer's stream; rejects where there is none. */
function ask(socketPath: string, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const options = { socketPath, path: paths.snapshot, method: 'POST', headers, signal }
    const request = http.request(options, resolve)
    request.on('error', reject)
    request.end('{}')
  })
}

function partOf(line: string): Uint8Array {
  const part = snapshotPartOf(line)
  if (!part.ok) throw new Error(part.error)
  return part.value
}

async function* partsOf(stream: http.IncomingMessage): AsyncGenerator<Uint8Array> {
  let rest = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > limits.clusterGatewayBytes.default) throw new Error('a part is too long')
    for (const line of lines) if (line !== '') yield partOf(line)
  }
  if (rest !== '') yield partOf(rest)
}

/** Writes all that comes; the number of octets, once their sum is right. */
async function fill(file: FileHandle, stream: http.IncomingMessage): Promise<number> {
  const hash = createHash('sha256')
  let [bytes, tail] = [0, Buffer.alloc(0)]
  for await (const part of partsOf(stream)) {
    bytes += part.length
    if (bytes > limits.clusterSnapshotBytes.default) throw new Error('it is too long')
    await file.write(part)
    // The last octets of all are the sum and not part of what is summed.
    const seen = Buffer.concat([tail, part])
    const cut = Math.max(0, seen.length - SUM_BYTES)
    hash.update(seen.subarray(0, cut))
    tail = Buffer.from(seen.subarray(cut))
  }
  if (!tail.equals(hash.digest())) throw new Error('it was cut off, or damaged')
  await file.sync()
  return bytes
}

export async function saveSnapshot(folder: string, timeoutMs: number): Promise<SnapshotOutcome> {
  const path = join(folder, SNAPSHOT)
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  let file: FileHandle | undefined
  try {
    const stream = await ask(join(folder, SOCKET), abort.signal)
    file = await open(`${path}.new`, 'w', 0o600)
    const bytes = await fill(file, stream)
    await file.close()
    await rename(path, `${path}.1`).catch(() => {})
    await rename(`${path}.new`, path)
    return { code: 'saved', bytes }
  } catch (error) {
    await file?.close().catch(() => {})
    await rm(`${path}.new`, { force: true }).catch(() => {})
    const message = abort.signal.aborted ? `not done within ${timeoutMs} ms` : `${error}`
    return { code: 'failed', message: message.replace(/^Error: /, '') }
  } finally {
    clearTimeout(timer)
  }
}
