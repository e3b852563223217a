/**
 * The flags of the bench and the sizes they choose.
 *
 * `--smoke` runs it small, once; `--scenario=a,b` some; `--sweeps=N`, `--seconds=S`, `--latency=N`;
 * `--patience=S` waits that long in all for a quiet machine, `--limit=S` ends a scenario,
 * `--settle=S` lets servers rest between warming up and the first sweep;
 * `--peer=NAME=COMMAND` adds a program; `--ours=FILE` measures another build; `--node=FLAG` gives
 * our process a flag of node; `--cpus=SERVER,GENERATOR`; `--no-peers`; `--write`; `--json`.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Sizes } from './measure.ts'

export interface Options {
  readonly smoke: boolean
  readonly json: boolean
  readonly write: boolean
  readonly peers: boolean
  readonly scenarios: readonly string[]
  readonly named: readonly (readonly [name: string, command: string])[]
  readonly ours: string | undefined
  readonly nodeFlags: readonly string[]
  readonly cpus: readonly number[] | undefined
  readonly sizes: Sizes
}

const SMOKE: Sizes = {
  sweeps: 1,
  generations: 1,
  seconds: 0.08,
  warmupSeconds: 0.05,
  settleSeconds: 0,
  latencySweeps: 1,
  latencySeconds: 0.08,
  opinionSeconds: 0,
  patienceSeconds: 0,
  retries: 0,
  limitSeconds: 10,
}

const FULL: Sizes = {
  sweeps: 12,
  generations: 3,
  seconds: 0.8,
  warmupSeconds: 1,
  // V8 gives memory back for some forty seconds after a start, on the core that answers.
  settleSeconds: 45,
  latencySweeps: 15,
  latencySeconds: 0.2,
  opinionSeconds: 2,
  patienceSeconds: 120,
  retries: 1,
  limitSeconds: 240,
}

export function readOptions(words: readonly string[]): Options {
  const all = (key: string) =>
    words.filter((word) => word.startsWith(`--${key}=`)).map((word) => word.slice(key.length + 3))
  const last = (key: string) => all(key).at(-1)
  const smoke = words.includes('--smoke')
  const base = smoke ? SMOKE : FULL
  const number = (key: string, otherwise: number) => Number(last(key) ?? otherwise)
  const sweeps = number('sweeps', base.sweeps)
  return {
    smoke,
    json: words.includes('--json'),
    write: words.includes('--write'),
    peers: !words.includes('--no-peers'),
    scenarios: all('scenario').flatMap((list) => list.split(',')),
    named: all('peer').map((word) => {
      const at = word.indexOf('=')
      return [word.slice(0, at), word.slice(at + 1)] as const
    }),
    ours: last('ours'),
    nodeFlags: all('node'),
    cpus: last('cpus')?.split(',').map(Number),
    sizes: {
      ...base,
      sweeps,
      seconds: number('seconds', base.seconds),
      generations: Math.min(sweeps, number('generations', base.generations)),
      retries: number('retries', base.retries),
      settleSeconds: number('settle', base.settleSeconds),
      latencySweeps: number('latency', base.latencySweeps),
      patienceSeconds: number('patience', base.patienceSeconds),
      limitSeconds: number('limit', base.limitSeconds),
    },
  }
}

/** Processors that share a core with the given one. */
function siblingsOf(cpu: number): number[] {
  try {
    const path = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`
    const [from = cpu, to = from] = readFileSync(path, 'utf8').trim().split(/[-,]/).map(Number)
    return [from, to]
  } catch {
    return [cpu]
  }
}

export interface Placing {
  readonly serverCpus: readonly number[]
  readonly generatorCpus: readonly number[]
}

/** One core a thread, and the generator on cores that no server shares; see `tooFew`. */
export function placingOf(cpus: readonly number[] | undefined): Placing {
  if (cpus !== undefined) {
    const half = cpus.length >> 1
    return { serverCpus: cpus.slice(0, half), generatorCpus: cpus.slice(half) }
  }
  const cores: number[] = []
  for (let cpu = 0; cpu < availableParallelism(); cpu++)
    if (!siblingsOf(cpu).some((other) => cores.includes(other))) cores.push(cpu)
  const half = Math.min(2, cores.length >> 1)
  return { serverCpus: cores.slice(0, half), generatorCpus: cores.slice(half, 2 * half) }
}
