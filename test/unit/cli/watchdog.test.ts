import { expect, test } from 'vitest'
import { watchdogEveryMs } from '../../../src/cli/watchdog.ts'

test.each([
  ['a third of the span', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 10_000],
  ['also when nobody is named', { WATCHDOG_USEC: '30000000' }, 10_000],
  ['not faster than can be kept', { WATCHDOG_USEC: '1000' }, 300],
  ['never for another process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
  ['never outside a unit', {}, undefined],
  ['never for what is no number', { WATCHDOG_USEC: 'soon' }, undefined],
  ['never where it is switched off', { WATCHDOG_USEC: '0' }, undefined],
])('a sign of life: %s', (_what, env, everyMs) => {
  expect(watchdogEveryMs(env, 7)).toBe(everyMs)
})
