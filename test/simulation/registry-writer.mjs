/**
 * Writes rows and events as fast as they are flushed, and tells each number that was acknowledged.
 *
 *     node registry-writer.mjs PORTS_URL DATA_DIR FIRST
 */
import { writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

const [portsUrl, dataDir, first] = process.argv.slice(2)
const { openPorts } = await import(portsUrl)
const nothing = () => {}
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const eventLog = { retentionMs: 86_400_000, maxBytes: 1e9 }
const ports = await openPorts({ dataDir, eventLog }, { log })
await ports.store.load(Date.now())

for (let number = Number(first) + 1; ; number++) {
  // Rows enough for a commit to take a while, and for the file to be written anew now and then.
  for (let server = 0; server < 500; server++) {
    const health = { verdict: 'up', verdictAtMs: number, verdictReason: '' }
    ports.store.put(`app:10.0.${server >> 8}.${server & 255}:80`, {
      health: { ...health, overrideStampMs: 0, overrideRank: 0 },
      status: 'healthy',
      sinceMs: number,
      recoveredAtMs: 0,
      lastHealthy: true,
    })
  }
  const key = 'app:10.0.0.1:80'
  ports.log.append({ kind: 'verdict-changed', key, verdict: 'up', atMs: number, reason: '' })
  const outcomes = await Promise.all([ports.store.flush(), ports.log.flush()])
  if (outcomes.some((outcome) => outcome !== 'committed')) continue
  if (parentPort === null) writeSync(1, `${number}\n`)
  else parentPort.postMessage(number)
}
