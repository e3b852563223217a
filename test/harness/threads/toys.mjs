/**
 * Actors for tests on real threads: plain modules, since sources cannot be started as threads.
 * `openPorts` gives each actor nothing but its configuration's switches.
 */
import { readFileSync } from 'node:fs'

const nothing = () => {}

/** Publishes as fast as its settings say, and tells on request what it holds for its peers. */
export const flooder = {
  name: 'flooder',
  start: (ctx, _ports, config) => {
    const text = 'x'.repeat(config.size)
    let number = 0
    ctx.clock.every(1, 0, () => {
      for (let count = 0; count < config.perTick; count++) {
        number++
        if (config.keyed) ctx.publish('flooder.latest-set', { key: number % 100, number, text })
        else ctx.publish('flooder.event-happened', { number, text })
      }
    })
    return {
      receive: {
        'tester.look': () => ({
          number,
          heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().external,
          ports: process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length,
        }),
      },
    }
  },
}

/** Reads as slowly as its settings say; `Infinity` never comes back. */
export const sink = {
  name: 'sink',
  start: (_ctx, _ports, config) => {
    let last = 0
    let count = 0
    const spin = (ms) => {
      const end = performance.now() + ms
      while (performance.now() < end);
    }
    const read = ({ number }) => {
      last = number
      count++
      spin(config.spinMs === 'for ever' ? Number.POSITIVE_INFINITY : config.spinMs)
    }
    return {
      receive: {
        'flooder.event-happened': read,
        'flooder.latest-set': read,
        'tester.peek': () => ({
          last,
          count,
          heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().external,
        }),
      },
    }
  },
}

/** Echoes, or does what it is told: break, hang, answer late. */
export const echo = {
  name: 'echo',
  start: (ctx, ports, config) => {
    ports.onStart(config)
    let words = config.words ?? ''
    return {
      receive: {
        'tester.say': async ({ text }) => {
          ctx.log.debug('asked', { text })
          if (text === 'throw') throw new Error('told to throw')
          if (text === 'throw later') {
            ctx.clock.after(1, () => {
              throw new Error('told to throw later')
            })
          }
          if (text === 'reject') void Promise.reject(new Error('told to reject'))
          if (text === 'spin') for (;;);
          // Of a pipe that nobody writes to: the thread waits where nothing can end it.
          if (text.startsWith('read ')) readFileSync(text.slice('read '.length))
          if (text === 'never') await new Promise(nothing)
          if (text === 'big') return { text: 'x'.repeat(70_000_000) }
          return { text: `${ctx.incarnation} ${words} ${text}` }
        },
        'tester.number-set': nothing,
      },
      onReconfigured: (next) => {
        words = next.words
      },
      onStop: () => (config.hangOnStop ? new Promise(nothing) : undefined),
    }
  },
}

/** Lives on the main thread and lends its `ctx` to the test. */
export const tester = {
  name: 'tester',
  start: (ctx, _ports, _config) => {
    const peers = []
    globalThis.testerCtx = ctx
    globalThis.testerPeers = peers
    return { receive: {}, onPeerStarted: (peer) => peers.push(peer) }
  },
}

export function openPorts(config) {
  if (config?.refuse) throw Object.assign(new Error('address in use'), { code: 'bind-failed' })
  return {
    onStart: (given) => {
      if (given.failOnStart) throw new Error('cannot start')
    },
  }
}
