/**
 * A scenario in a network of its own: another process of the bench in a namespace where nothing is
 * but loopback, and where the addresses of clients are local though they are none of 127.0.0.0/8.
 *
 * The namespace ends with the process; the network of the machine is left as it is.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { Outcome } from './page.ts'

/** 4,096 networks of 256 addresses. */
export const CLIENTS = '10.64.0.0'
const PREFIX_BITS = 12

const MARK = 'OPENGSLB_BENCH_ENCLOSED'

/** Whether this process is that other one. */
export const isEnclosed = process.env[MARK] === '1'

const SETUP = `ip link set lo up && ip route add local ${CLIENTS}/${PREFIX_BITS} dev lo && exec "$@"`

function enclosing(command: readonly string[]): string[] {
  const isRoot = process.getuid?.() === 0
  const flags = isRoot ? ['--net'] : ['--net', '--map-root-user']
  return [...flags, 'sh', '-c', SETUP, 'sh', ...command]
}

/** Why there can be no such network, or undefined. */
export function refusal(): string | undefined {
  const { error, status, stderr } = spawnSync('unshare', enclosing(['true']), { encoding: 'utf8' })
  if (error !== undefined) return 'unshare is not installed'
  return status === 0 ? undefined : `a network of its own: ${stderr.trim().slice(0, 200)}`
}

interface Said {
  readonly outcomes: readonly Outcome[]
  readonly sentence: string
}

/** Measures one scenario there, under the flags of this process, on the same processors. */
export async function runEnclosed(scenario: string, cpus: readonly number[]): Promise<Outcome> {
  const [script, ...flags] = process.argv.slice(1)
  const kept = flags.filter((flag) => !/^--(scenario=|cpus=|json$|write$)/.test(flag))
  // This process keeps to its own already, and the other one would see no more than these.
  const words = [script!, ...kept, `--scenario=${scenario}`, `--cpus=${cpus.join(',')}`, '--json']
  const command = [process.execPath, ...process.execArgv, ...words]
  const child = spawn('unshare', enclosing(command), {
    env: { ...process.env, [MARK]: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // It ends its servers at that.
  const end = () => child.kill('SIGTERM')
  process.on('exit', end)
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  process.off('exit', end)
  if (text === '') throw new Error(`${scenario} ended with ${code} and said nothing`)
  const { outcomes, sentence } = JSON.parse(text) as Said
  if (outcomes[0] === undefined) throw new Error(`${scenario} ended with ${code}: ${sentence}`)
  return outcomes[0]
}
