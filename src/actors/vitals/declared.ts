/**
 * The declarations of drains, kept on disk and on time: file, signal, API, overwatches, shutdown.
 *
 * Which of them make a backend drain is decided in core/health/drains.ts. After a start, what was
 * taken over from before holds until the file and the signals have been looked at.
 */
import { limits } from '../../core/base/limits.ts'
import { readDrainFile } from '../../core/health/drain-file.ts'
import { type Declaration, type DrainChange, Drains } from '../../core/health/drains.ts'
import type { Drain } from '../../core/health/report.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { LocalDrainOutcome } from '../../messages/views.ts'
import type { DrainFileSeen, VitalsConfig, VitalsPorts } from './contract.ts'

export interface SignalsSeen {
  readonly signals: number
  readonly stopping: boolean
  readonly atMs: number
}

export class Declared {
  readonly drains: Drains
  readonly #clock: Clock
  readonly #log: Log
  readonly #ports: VitalsPorts
  readonly #onChanges: (changes: readonly DrainChange[]) => void
  #config: VitalsConfig
  /** What overwatches want, also of backends that are not configured yet. */
  #orders: ReadonlyMap<string, Drain> = new Map()
  #settled = false
  #closeFile: () => void = () => {}
  #cancelDue: Cancel = () => {}
  #cancelSettle: Cancel = () => {}
  #saved = ''
  #saving = Promise.resolve()

  constructor(
    world: { readonly clock: Clock; readonly log: Log },
    ports: VitalsPorts,
    config: VitalsConfig,
    onChanges: (changes: readonly DrainChange[]) => void,
  ) {
    this.#clock = world.clock
    this.#log = world.log
    this.#ports = ports
    this.#config = config
    this.#onChanges = onChanges
    this.drains = new Drains(
      config.agentId,
      config.backends.map(({ key }) => key),
    )
  }

  /** Takes up what was saved, and begins to look at the file. */
  async start(): Promise<void> {
    const { drainStatePath } = this.#config
    if (drainStatePath !== '') {
      const loaded = await this.#ports.loadDrains(drainStatePath)
      if (loaded === 'unreadable') await this.#lost('saved drains cannot be read', drainStatePath)
      else if (loaded !== 'absent') {
        const outcome = this.drains.restore(loaded.text)
        if (outcome !== 'malformed') this.#saved = loaded.text
        else await this.#lost('saved drains are damaged, they are not taken up', drainStatePath)
      }
    }
    this.#watchFile()
    this.update()
    this.#cancelSettle = this.#clock.after(limits.drainSettleMs.default, () => {
      this.#settled = true
      this.update()
      this.sayAgain()
    })
  }

  /** What was declared may still be read by a person, so the next save does not replace it. */
  async #lost(message: string, path: string): Promise<void> {
    const kept = await this.#ports.setAside(path)
    this.#log.warn(message, { path, kept: kept ?? 'it could not be set aside' })
  }

  configure(config: VitalsConfig): void {
    const moved = config.drainFile !== this.#config.drainFile
    this.#config = config
    this.drains.retain(config.backends.map(({ key }) => key))
    this.drains.replace('overwatch', this.#orders)
    if (moved) this.#watchFile()
    this.update()
  }

  /** The API's own declaration; the others have nothing to answer to. */
  set(backends: 'all' | readonly string[], reason: string, untilMs?: number): LocalDrainOutcome {
    const nowMs = this.#clock.nowMs()
    if (untilMs !== undefined && untilMs <= nowMs) return 'already-over'
    const declaration = declarationOf(reason || 'declared by the API', nowMs, untilMs)
    const declared = this.drains.declare('api', backends, declaration)
    if (!declared.ok) return declared.error
    this.update()
    return 'done'
  }

  lift(backends: 'all' | readonly string[]): number {
    const lifted = this.drains.lift('api', backends)
    this.update()
    return lifted
  }

  signalled({ signals, stopping, atMs }: SignalsSeen): void {
    if (signals % 2 === 1)
      this.drains.declare('signal', 'all', { reason: 'SIGUSR1', sinceMs: atMs })
    else this.drains.lift('signal', 'all')
    if (stopping)
      this.drains.declare('shutdown', 'all', { reason: 'the agent stops', sinceMs: atMs })
    this.update()
  }

  ordered(orders: readonly { readonly backend: string; readonly drain: Drain }[]): void {
    this.#orders = new Map(orders.map(({ backend, drain }) => [backend, drain]))
    this.drains.replace('overwatch', this.#orders)
    this.update()
  }

  sayAgain(): void {
    if (this.#settled) this.#onChanges(this.drains.known())
    else this.#onChanges(this.drains.known().filter(({ drain }) => drain !== undefined))
  }

  /** Lets changes take effect, saves what must be saved, and sets the timer of the next expiry. */
  update(): void {
    const nowMs = this.#clock.nowMs()
    const changes = this.drains.changes(nowMs, this.#settled)
    for (const { backend, drain } of changes)
      if (drain === undefined) this.#log.info('drain ended', { backend })
      else this.#log.info('draining', { backend, by: drain.by, reason: drain.reason, id: drain.id })
    if (changes.length > 0) this.#onChanges(changes)
    this.#save()
    this.#cancelDue()
    const dueMs = this.drains.nextDueMs()
    if (dueMs === undefined) return
    const waitMs = Math.min(Math.max(0, dueMs - nowMs), limits.dueTimerMsMax.default)
    this.#cancelDue = this.#clock.after(waitMs, () => this.update())
  }

  /** Waits for what is being saved. */
  async stop(): Promise<void> {
    this.#closeFile()
    this.#cancelDue()
    this.#cancelSettle()
    await this.#saving
  }

  #watchFile(): void {
    this.#closeFile()
    this.#closeFile = () => {}
    const { drainFile } = this.#config
    if (drainFile === '') {
      this.drains.lift('file', 'all')
      return
    }
    this.#closeFile = this.#ports.watchDrainFile(drainFile, (file) => this.#fileSeen(file))
  }

  #fileSeen(file: DrainFileSeen): void {
    const { fault } = file
    if (fault !== undefined) {
      const { drainFile: path } = this.#config
      const then = file.present ? 'the drain goes on' : 'no drain is taken from it'
      this.#log.warn('the drain file cannot be looked at', { path, error: fault, then })
      if (file.present) return
    }
    if (!file.present) this.drains.lift('file', 'all')
    else {
      const { reason, untilMs, badUntil } = readDrainFile(file.text)
      if (badUntil !== undefined)
        this.#log.warn('the drain file has an end that is no moment; it is passed over', {
          until: badUntil,
          allowed: 'RFC 3339, such as 2030-01-31T12:00:00Z',
        })
      this.drains.declare('file', 'all', declarationOf(reason, this.#clock.nowMs(), untilMs))
    }
    this.update()
  }

  /** One write at a time; what changed meanwhile is written after it. */
  #save(): void {
    const { drainStatePath } = this.#config
    const text = this.drains.saved()
    if (drainStatePath === '' || text === this.#saved) return
    this.#saved = text
    this.#saving = this.#saving.then(async () => {
      if (text !== this.#saved) return
      if (await this.#ports.saveDrains(drainStatePath, text)) return
      this.#log.warn('drains cannot be saved, a restart will forget them', { path: drainStatePath })
    })
  }
}

const declarationOf = (reason: string, sinceMs: number, untilMs?: number): Declaration => ({
  reason,
  sinceMs,
  ...(untilMs === undefined ? {} : { untilMs }),
})
