/**
 * The overwatch as it is built, with one thing more: SIGUSR2 ends a DNS thread as a crash would.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../support/hotpath/native.ts'

interface Running {
  reload(): void
  kill(name: string): boolean
  states(): readonly { readonly name: string }[]
}

const words = process.argv.slice(2)
const path = words[words.indexOf('--config') + 1]
const bootstrap = join(root, 'dist', 'bootstrap.js')
if (words.includes('--check')) {
  process.exit(spawnSync(process.execPath, [bootstrap, ...words], { stdio: 'inherit' }).status ?? 1)
}
const { launch } = (await import(pathToFileURL(bootstrap).href)) as {
  launch: (path: string) => Promise<Running>
}
const running = await launch(path ?? '')
process.on('SIGHUP', () => running.reload())
process.on('SIGUSR2', () => {
  for (const { name } of running.states()) if (/^dns/.test(name)) running.kill(name)
})
