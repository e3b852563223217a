/**
 * Goal: an actor whose thread stands still is ended, and its place is given away though its thread
 * does not end; one that is slow, stopped or on the main thread is let be.
 * Method: a placement that answers beats as the test says, on a virtual clock.
 */
import { expect, test } from 'vitest'
import type { Fault, ToActor } from '../../../src/kernel/control.ts'
import type { PlacedEvents, Placement } from '../../../src/kernel/placement.ts'
import { watched } from '../../../src/kernel/watch.ts'
import { type LogLine, recordingLog } from '../../harness/ctx.ts'
import { virtualClock } from '../../harness/virtual-clock.ts'

const times = { beatMs: 1_000, silentBeats: 3, endMs: 500 }

interface Spec {
  readonly name: string
  readonly host: 'worker' | 'main'
}

function start(host: Spec['host'] = 'worker') {
  const clock = virtualClock(0)
  const logs: LogLine[] = []
  const told: string[] = []
  const thread = { answers: true, ends: true }
  let own: PlacedEvents | undefined
  const placement: Placement<Spec, never> = {
    channel: () => {
      throw new Error('no channel is asked for')
    },
    spawn: (_spec, _incarnation, _config, _ends, events) => {
      own = events
      return {
        send: ({ kind }: ToActor) => {
          told.push(kind)
          if (kind === 'beat' && thread.answers) events.report({ kind: 'alive' })
        },
        kill: (fault: Fault) => {
          told.push('kill')
          if (thread.ends) events.exited(fault)
        },
      }
    },
  }
  const silent: string[] = []
  const watch = watched(placement, {
    ...{ clock, log: recordingLog(logs), times },
    isWatched: (spec) => spec.host !== 'main',
    silent: (name) => void silent.push(name),
  })
  const heard: string[] = []
  const placed = watch.spawn({ name: 'a', host }, 1, {}, [], {
    report: ({ kind }) => void heard.push(kind),
    exited: ({ code }) => void heard.push(code),
  })
  return { clock, logs, told, thread, silent, heard, placed, own: own! }
}

test('watch: a thread that answers is given beats for ever, and the supervisor hears none', () => {
  const { clock, heard, told, own } = start()
  own.report({ kind: 'ready' })
  clock.advance(60_000)
  expect(heard).toEqual(['ready'])
  expect(told).toEqual(Array.from({ length: 60 }, () => 'beat'))
})

test('watch: one that answers no more is ended after its beats, and told of once', () => {
  const { clock, heard, silent, thread, own } = start()
  own.report({ kind: 'ready' })
  clock.advance(10_000)
  thread.answers = false
  clock.advance(3_900)
  expect(heard).toEqual(['ready'])
  clock.advance(100)
  expect(heard).toEqual(['ready', 'stands-still'])
  clock.advance(60_000)
  expect([heard, silent]).toEqual([['ready', 'stands-still'], ['a']])
})

test('watch: two answers lost in a row are no reason', () => {
  const { clock, heard, thread, own } = start()
  own.report({ kind: 'ready' })
  for (let round = 0; round < 20; round++) {
    thread.answers = false
    clock.advance(2_000)
    thread.answers = true
    clock.advance(1_000)
  }
  expect(heard).toEqual(['ready'])
})

test('watch: any word of the actor counts as a sign of life', () => {
  const { clock, heard, thread, own } = start()
  own.report({ kind: 'ready' })
  thread.answers = false
  for (let call = 0; call < 5; call++) {
    clock.advance(2_500)
    own.report({ kind: 'metrics', call, series: undefined })
  }
  expect(heard.at(-1)).toBe('metrics')
})

test('watch: the place of a thread that does not end is given away, and its last words are none', () => {
  const { clock, heard, logs, thread, own } = start()
  own.report({ kind: 'ready' })
  Object.assign(thread, { answers: false, ends: false })
  clock.advance(4_400)
  expect(heard).toEqual(['ready'])
  clock.advance(100)
  expect(heard).toEqual(['ready', 'stands-still'])
  expect(logs.map(({ message }) => message)).toEqual([
    'a thread cannot be ended: it is left behind',
  ])
  own.report({ kind: 'ready' })
  own.exited({ code: 'thread-ended', message: 'late' })
  clock.advance(60_000)
  expect(heard).toEqual(['ready', 'stands-still'])
})

test('watch: a start and a stop have deadlines of their own', () => {
  const { clock, heard, told, thread, placed, own } = start()
  thread.answers = false
  clock.advance(60_000)
  expect(told).toEqual([])
  own.report({ kind: 'ready' })
  clock.advance(2_000)
  placed.send({ kind: 'stop' })
  clock.advance(60_000)
  expect(heard).toEqual(['ready'])
  expect(told).toEqual(['beat', 'beat', 'stop'])
})

test('watch: what runs on the main thread is not watched', () => {
  const { clock, told, own } = start('main')
  own.report({ kind: 'ready' })
  clock.advance(60_000)
  expect(told).toEqual([])
})
