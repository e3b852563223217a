/**
 * `npm start`: sets up, builds, and runs the quickstart; with arguments, the server itself:
 * `npm start -- --config FILE`.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setup } from './lib/setup.mjs'

setup()
const own = process.argv.slice(2)
const program = own.length > 0 ? 'opengslb.js' : join('cli', 'quickstart.js')
const child = spawn(process.execPath, [join(root, 'dist', program), ...own], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
