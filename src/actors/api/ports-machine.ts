/** What the machine and this process use, from the operating system. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import type { Machine } from './contract.ts'

const MICROSECONDS = 1_000

export function readMachine(): Machine {
  const times = cpus().map((cpu) => cpu.times)
  const sum = (of: (time: (typeof times)[number]) => number) =>
    times.reduce((all, time) => all + of(time), 0)
  const { user, system } = process.cpuUsage()
  return {
    rssBytes: process.memoryUsage.rss(),
    totalBytes: totalmem(),
    // What can be had without swapping, caches included.
    availableBytes: freemem(),
    cores: availableParallelism(),
    userMs: sum((time) => time.user + time.nice),
    systemMs: sum((time) => time.sys + time.irq),
    idleMs: sum((time) => time.idle),
    processMs: (user + system) / MICROSECONDS,
  }
}
