/**
 * Control groups of a lab: a host that may use half a processor has a group that says so, as a
 * container has. Where the machine gives none, the host has all processors, and its agent looks at
 * the machine's load instead of its own.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MOUNT = '/sys/fs/cgroup'
const PERIOD_US = 100_000
/** It gets what it may use on a busy machine too: a load seen is one that was asked for. */
const SHARES = 32_768
const WEIGHT = 10_000
/** The controllers of version 1 that limit and that count; version 2 has one folder for all. */
const FIRST = ['cpu', 'cpuacct'].map((name) => join(MOUNT, name))

const isFirst = () => FIRST.every((folder) => existsSync(join(folder, 'tasks')))
const foldersOf = (name) => (isFirst() ? FIRST : [MOUNT]).map((folder) => join(folder, name))

/** The files a process is put in by its number; none where groups are not to be had. */
export function makeGroup(name, cpus) {
  const folders = foldersOf(name)
  const quota = Math.round(PERIOD_US * cpus)
  try {
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    const [controls] = folders
    const [limit, weight] = isFirst()
      ? [
          ['cpu.cfs_quota_us', quota],
          ['cpu.shares', SHARES],
        ]
      : [
          ['cpu.max', `${quota} ${PERIOD_US}`],
          ['cpu.weight', WEIGHT],
        ]
    for (const [file, value] of [limit, weight]) writeFileSync(join(controls, file), String(value))
  } catch {
    removeGroup(name)
    return []
  }
  return folders.map((folder) => join(folder, 'cgroup.procs'))
}

/** Nothing may run in it any more. */
export function removeGroup(name) {
  for (const folder of foldersOf(name)) {
    try {
      rmdirSync(folder)
    } catch {
      // It was never made.
    }
  }
}
