#!/usr/bin/env node
/**
 * The composition root: flags -> configuration -> roster -> run -> drain. No logic of its own.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { untilServing } from './actors/api/ports-serving.ts'
import { lendSockets } from './actors/dns/ports-sockets.ts'
import { dnsShared } from './actors/dns/shared.ts'
import { lockDataDir } from './actors/registry/ports-lock.ts'
import { byChild, configsOf, overwatchOf, type Process } from './actors/roster.ts'
import { setMetricsSource } from './actors/shell/ports.ts'
import { load } from './cli/configuration.ts'
import { parseFlags, usage } from './cli/flags.ts'
import { logProblems, reportCheck } from './cli/report.ts'
import { sdNotify } from './cli/sd-notify.ts'
import { hearSignals } from './cli/signals.ts'
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

/** Starts everything `path` describes. Rejects with an error an operator can act on. */
export async function launch(path: string, mode?: string): Promise<Running> {
  const first = load(path, mode)
  if (!first.ok) throw new Error(first.error.map(formatProblem).join('\n'))
  const { config: started, warnings, topology } = first.value
  const { logging } = started
  let { level } = logging
  const log = pinoLog({ ...logging, name: 'main' })
  logProblems(log, warnings)
  if (started.mode !== 'overwatch') throw new Error('agent mode is not part of this version')
  const { listen_address: listenAddress, threads, batch_size: batchSize } = started.dns
  const lent = lendSockets({ listenAddress, threads, batchSize })
  for (const note of lent.notes) log.info(note)
  const self: Process = {
    version,
    sockets: lent.threads,
    dnsAddress: listenAddress,
    hostName: hostname(),
    startedAtMs: Date.now(),
    ...dnsShared(randomBytes),
  }
  let reloads = { succeeded: 0, failed: 0, lastMs: 0, loadedMs: self.startedAtMs }
  log.info('OpenGSLB starting', { version, config: path, mode: started.mode })
  const lock = await lockDataDir(started.overwatch.data_dir)
  if (!lock.ok) throw new Error(lock.error.message)
  let configs = configsOf(first.value, self, reloads)
  const system = await startSystem({ catalogue, log, logging, ...overwatchOf(configs, self) })
  setMetricsSource(() => system.metricsText())
  if (!(await untilServing(listenAddress, topology.zones[0]?.apex ?? '')))
    log.warn('DNS does not answer yet', { address: listenAddress })
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
      system.reconfigure({ shell: { ...configs.shell, reloads } })
      return
    }
    logProblems(log, next.value.warnings)
    const restart = restartNeeded(started, next.value.config)
    if (restart.length > 0) log.warn('needs a restart to take effect', { keys: restart.join(' ') })
    reloads = { ...reloads, succeeded: reloads.succeeded + 1, lastMs: now, loadedMs: now }
    configs = configsOf(next.value, self, reloads)
    system.reconfigure(byChild(configs))
    log.info('configuration reloaded', { config: path })
  }

  const stop = async () => {
    const outcome = await system.stop()
    lent.close()
    lock.value.release()
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

async function main(obey: ReturnType<typeof hearSignals>): Promise<void> {
  process.title = 'opengslb'
  const flags = parseFlags(process.argv.slice(2))
  if (!flags.ok) {
    process.stderr.write(`${flags.error}\n\n${usage}`)
    process.exit(2)
  }
  const { configPath, mode, check } = flags.value
  if (flags.value.help) process.stdout.write(usage)
  else if (flags.value.version) process.stdout.write(`OpenGSLB ${version}\n`)
  else if (check) process.exitCode = reportCheck(configPath, load(configPath, mode))
  else {
    const running = await launch(configPath, mode)
    let draining = false
    const end = (code: number) => {
      if (!draining) void drain(running, code)
      draining = true
    }
    obey({ reload: running.reload, drain: end })
    running.onEscalate(() => end(1))
    await sdNotify('READY=1')
  }
}

/** The whole life of the process; `obey` comes from a caller that heard signals earlier. */
export async function run(obey = hearSignals()): Promise<void> {
  await main(obey).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
}

const program = process.argv[1]
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) void run()
