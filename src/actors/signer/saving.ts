/**
 * Puts keys on disk, one write at a time, and tells what is there once nothing is left to write.
 *
 * Who changed something waits for the write that began after the change and for no later one. Peers
 * wait for such an answer: did each wait for changes that came after its own, peers whose questions
 * are such changes would ask again before they were ever answered, and nobody would come to an end.
 */
export interface SavingWorld {
  /** Writes what holds when it is called. */
  write(): Promise<'saved' | 'failed'>
  /** All that was changed is on disk. */
  saved(): void
  failed(): void
}

export class Saving {
  readonly #world: SavingWorld
  /** Something changed that no write has begun with. */
  #isDirty = false
  #isRunning = false
  #hasFailed = false
  #running: Promise<void> = Promise.resolve()
  #waiting: ((isKept: boolean) => void)[] = []

  constructor(world: SavingWorld) {
    this.#world = world
  }

  changed(): void {
    this.#isDirty = true
  }

  /** The last write failed. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** What a write that failed left behind is written; whether it is on disk by then. */
  async retry(): Promise<boolean> {
    return this.#isDirty && !this.#isRunning && (await this.store())
  }

  /** Whether all that was changed until now is on disk. */
  store(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (!this.#isRunning) this.#running = this.#run()
    })
  }

  /** Until no write is on its way. */
  async close(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      let isKept = true
      while (isKept && (this.#isDirty || this.#waiting.length > 0)) isKept = await this.#round()
      if (!isKept) this.#release(this.#waiting.splice(0), false)
    } finally {
      this.#isRunning = false
    }
  }

  /** One write, and an answer to those who waited when it began; false when it failed. */
  async #round(): Promise<boolean> {
    const covered = this.#waiting.splice(0)
    const isKept = !this.#isDirty || (await this.#write())
    // What is told holds changes made during the write too, so that they are written first.
    if (isKept && !this.#isDirty) this.#world.saved()
    this.#release(covered, isKept)
    return isKept
  }

  async #write(): Promise<boolean> {
    this.#isDirty = false
    this.#hasFailed = (await this.#world.write()) === 'failed'
    if (!this.#hasFailed) return true
    this.#isDirty = true
    this.#world.failed()
    return false
  }

  #release(waiting: readonly ((isKept: boolean) => void)[], isKept: boolean): void {
    for (const resolve of waiting) resolve(isKept)
  }
}
