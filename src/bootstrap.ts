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
import { agentStage } from './actors/stage-agent.ts'
import { overwatchStage } from './actors/stage-overwatch.ts'
import { load } from './cli/configuration.ts'
import { parseFlags, usage } from './cli/flags.ts'
import { logProblems, reportCheck } from './cli/report.ts'
import { sdNotify } from './cli/sd-notify.ts'
import { hearSignals, type Signals } from './cli/signals.ts'
import { limits } from './core/base/limits.ts'
import { formatProblem } from './core/config/load.ts'
import { restartNeeded } from './core/config/restart.ts'
import { pinoLog } from './kernel/log-pino.ts'
import { type System, startSystem } from './kernel/system.ts'
import { catalogue } from './messages/catalogue.ts'

const packageUrl = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageUrl, 'utf8')) as { version: string }

export interface Running extends System {
  /** Reads the configuration again; a bad one changes nothing. */
  reload(): void
}

/**
 * Starts everything `path` describes. Rejects with an error an operator can act on.
 * @param starting called just before the first actor starts
 */
export async function launch(path: string, mode?: string, starting = () => {}): Promise<Running> {
  const first = load(path, mode)
  if (!first.ok) throw new Error(first.error.map(formatProblem).join('\n'))
  let loaded = first.value
  const { config: started, warnings } = loaded
  const { logging } = started
  let { level } = logging
  const log = pinoLog({ ...logging, name: 'main' })
  logProblems(log, warnings)
  const facts = { version, hostName: hostname(), startedAtMs: Date.now(), randomBytes }
  let reloads = { succeeded: 0, failed: 0, lastMs: 0, loadedMs: facts.startedAtMs }
  log.info('OpenGSLB starting', { version, config: path, mode: started.mode })
  const open = started.mode === 'agent' ? agentStage : overwatchStage
  const stage = await open(loaded, facts, reloads)
  for (const note of stage.notes) log.info(note)
  starting()
  const system = await startSystem({ catalogue, log, logging, ...stage.system })
  setMetricsSource(() => system.metricsText())
  setLogLevelSink((next) => {
    log.setLevel(next)
    system.setLogLevel(next)
  })
  const notYet = await stage.serving()
  if (notYet !== undefined) log.warn(notYet)
  log.info('OpenGSLB running', { pid: process.pid, mode: started.mode })

  function reload(): void {
    const next = load(path, mode)
    const now = Date.now()
    // Also after a fault: whoever rotates logs sends this signal to have the file opened again.
    if (next.ok) level = next.value.config.logging.level
    log.setLevel(level)
    system.setLogLevel(level)
    if (!next.ok) {
      reloads = { ...reloads, failed: reloads.failed + 1 }
      logProblems(log, next.error)
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
  return { ...system, stop, reload }
}

/** Ends the process: once asked to, or when the data plane cannot be kept up. */
async function drain(running: Running, code: number): Promise<void> {
  await sdNotify('STOPPING=1')
  const deadline = setTimeout(() => process.exit(1), limits.shutdownMs.default)
  const outcome = await running.stop()
  clearTimeout(deadline)
  process.exit(outcome === 'clean' ? code : 1)
}

async function main(signals: Signals): Promise<void> {
  process.title = 'opengslb'
  const flags = parseFlags(process.argv.slice(2))
  if (!flags.ok) {
    process.stderr.write(`${flags.error}\n\n${usage}`)
    process.exit(2)
  }
  const { configPath, mode, check } = flags.value
  if (flags.value.help) process.stdout.write(usage)
  else if (flags.value.version) process.stdout.write(`OpenGSLB ${version}\n`)
  else if (check) process.exitCode = reportCheck(configPath, load(configPath, mode), signCheck)
  else {
    const running = await launch(configPath, mode, signals.starting)
    let draining = false
    const end = (code: number) => {
      if (!draining) void drain(running, code)
      draining = true
    }
    signals.obey({ reload: running.reload, drain: end })
    running.onEscalate(() => end(1))
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
