/**
 * `npm run demo -- 2`: runs a demo of `deploy/demos`, its hosts in network namespaces of this
 * machine; `npm run demo -- 2 --record` also writes what it printed to `docs/demos`.
 * `npm run demo:drain [-- FLAGS]`: compiles the measured demos and runs one of them.
 *
 * A demo ends with a one-line verdict and a non-zero exit code where what it shows does not hold.
 * A signal that ends this process ends the demo, which takes what it started along.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, runBin, setup } from './lib/setup.mjs'

const [name, ...flags] = process.argv.slice(2)
setup()
if (/^\d$/.test(name ?? '')) {
  const { recordDemo, runDemo } = await import('./lib/lab/demo.mjs')
  process.exit(await (flags.includes('--record') ? recordDemo(name) : runDemo(name)))
}
runBin('tsc', ['-p', 'tsconfig.bench.json'])
const main = join(root, 'dist-bench', 'bench', 'demo', name ?? '', 'main.js')
const demo = spawn(process.execPath, [main, ...flags], { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill(signal))
demo.on('exit', (code) => process.exit(code ?? 1))
