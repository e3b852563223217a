#!/usr/bin/env node
/**
 * The composition root: flags -> configuration -> roster -> run -> drain. No logic of its own.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { setLogLevelSink, setMetricsSource } from './actors/shell/ports.ts'
import { signCheck } from './actors/roster-signer.ts'
import { modeOf } from './actors/stage.ts'
import { agentStage } from './actors/stage-agent.ts'
import { overwatchStage } from './actors/stage-overwatch.ts'
import { load, type Overriding } from './cli/configuration.ts'
import { drain } from './cli/drain.ts'
import { parseFlags, usage } from './cli/flags.ts'
import { logProblems, reportCheck } from './cli/report.ts'
import { notifyBy, sdNotify } from './cli/sd-notify.ts'
import { hearSignals, type Signals } from './cli/signals.ts'
import { startSuccessor } from './cli/successor.ts'
import { feedWatchdog } from './cli/watchdog.ts'
import { formatProblem } from './core/config/load.ts'
import { restartNeeded } from './core/config/restart.ts'
import { pinoLog } from './kernel/log-pino.ts'
import { type System, startSystem } from './kernel/system.ts'
import { catalogue } from './messages/catalogue.ts'
import { loadNative } from './native/index.ts'

const packageUrl = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageUrl, 'utf8')) as { version: string }

export interface Running extends System {
  /** Reads the configuration again; a bad one changes nothing. */
  reload(): void
  isAlive(): Promise<boolean>
  /** Another process may take this one's place; `leave` is told which one did, 0 for none. */
  offer(leave: (successor: number) => void): Promise<void>
  /** Starts the program as it is installed now, to take this one's place. */
  replace(): void
}

/** `starting` is called just before the first actor starts. */
type Wish = Overriding & { readonly takeOver?: boolean; readonly starting?: () => void }

/** Starts everything `path` describes. Rejects with an error an operator can act on. */
export async function launch(path: string, wish: Wish = {}): Promise<Running> {
  const first = load(path, wish)
  if (!first.ok) throw new Error(first.error.map(formatProblem).join('\n'))
  let loaded = first.value
  const { config: started, warnings } = loaded
  const { logging } = started
  let { level } = logging
  const log = pinoLog({ ...logging, name: 'main' })
  logProblems(log, warnings)
  const { takeOver = false } = wish
  const facts = { version, hostName: hostname(), startedAtMs: Date.now(), randomBytes, takeOver }
  let reloads = { succeeded: 0, failed: 0, lastMs: 0, loadedMs: facts.startedAtMs }
  const mode = modeOf(started)
  log.info('OpenGSLB starting', { version, config: path, mode })
  const open = started.mode === 'agent' ? agentStage : overwatchStage
  const stage = await open(loaded, facts, reloads)
  for (const note of stage.notes) log.info(note)
  wish.starting?.()
  const system = await startSystem({ catalogue, log, logging, ...stage.system })
  setMetricsSource(() => system.metricsText())
  setLogLevelSink((next) => {
    log.setLevel(next)
    system.setLogLevel(next)
  })
  const notYet = await stage.serving()
  // Whoever answers so far is not sent away for one that does not.
  if (notYet !== undefined && stage.replaced !== undefined) throw new Error(notYet)
  if (notYet !== undefined) log.warn(notYet)
  await stage.replaced?.()
  log.info('OpenGSLB running', { pid: process.pid, mode })

  function reload(): void {
    const next = load(path, wish)
    const now = Date.now()
    // Also after a fault: whoever rotates logs sends this signal to have the file opened again.
    if (next.ok) level = next.value.config.logging.level
    log.setLevel(level)
    system.setLogLevel(level)
    const isOther = next.ok && modeOf(next.value.config) !== mode
    if (isOther) log.error('mode cannot change while running: it requires a restart', { mode })
    if (!next.ok || isOther) {
      reloads = { ...reloads, failed: reloads.failed + 1 }
      if (!next.ok) logProblems(log, next.error)
      log.error('configuration not reloaded, nothing was changed', { config: path })
      system.reconfigure({ shell: stage.configs(loaded, reloads)['shell'] })
      return
    }
    logProblems(log, next.value.warnings)
    const restart = restartNeeded(started, next.value.config)
    if (restart.length > 0) log.warn('needs a restart to take effect', { keys: restart.join(' ') })
    reloads = { ...reloads, succeeded: reloads.succeeded + 1, lastMs: now, loadedMs: now }
    loaded = next.value
    system.reconfigure(stage.configs(loaded, reloads))
    log.info('configuration reloaded', { config: path })
  }

  const stop = async () => {
    const outcome = await system.stop()
    stage.close()
    log.info('OpenGSLB stopped', { outcome })
    return outcome
  }
  const offer: Running['offer'] = async (leave) => stage.offer?.(system, leave, log)
  const replace = () => startSuccessor(log, stage.offer !== undefined)
  return { ...system, stop, reload, isAlive: stage.isAlive, offer, replace }
}

async function main(signals: Signals): Promise<void> {
  process.title = 'opengslb'
  const flags = parseFlags(process.argv.slice(2))
  if (!flags.ok) {
    process.stderr.write(`${flags.error}\n\n${usage}`)
    process.exit(2)
  }
  const { configPath: path, ...given } = flags.value
  if (given.help) process.stdout.write(usage)
  else if (given.version) process.stdout.write(`OpenGSLB ${version}\n`)
  else if (given.check) process.exitCode = await reportCheck(path, load(path, given), signCheck)
  else {
    const native = loadNative()
    if (native.ok) notifyBy(native.value.sendDatagram)
    const running = await launch(path, { ...given, starting: signals.starting })
    let draining = false
    const end = (code: number, successor?: number) => {
      if (!draining) void drain(running.stop, code, successor)
      draining = true
    }
    await running.offer((successor) => end(successor > 0 ? 0 : 1, successor))
    signals.obey({ reload: running.reload, drain: end, replace: running.replace })
    running.onEscalate(() => end(1))
    feedWatchdog(running.isAlive)
    await sdNotify('READY=1')
  }
}

/** The whole life of the process; `signals` come from a caller that listened earlier. */
export async function run(signals = hearSignals()): Promise<void> {
  await main(signals).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
}

const program = process.argv[1]
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) void run()
