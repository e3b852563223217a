/** `npm run test:full`: the suites and benches at their full size; takes a good while. */
import { run, runBin, setup } from './lib/setup.mjs'

setup()
const env = { ...process.env, OPENGSLB_FULL: '1' }
runBin('vitest', ['run', '--reporter=verbose', '--testTimeout=1800000'], { env })
run(process.execPath, ['scripts/bench.mjs'])
