/** `npm run test:full`: the suites and benches at their full size; takes a good while. */
import { run, runBin, setup } from './lib/setup.mjs'

setup()
process.env.OPENGSLB_FULL = '1'
const { installPeers } = await import('./lib/peers.mjs')
const missing = installPeers()
if (missing.length > 0)
  process.stdout.write(`Missing peers, their suites are skipped: ${missing.join(' ')}\n`)
const { env } = process
runBin('vitest', ['run', '--reporter=verbose', '--testTimeout=1800000'], { env })
run(process.execPath, ['scripts/bench.mjs'])
