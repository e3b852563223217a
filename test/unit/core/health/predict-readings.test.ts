/**
 * Goal: the texts of the kernel and of metrics pages are read as documented, and nothing is
 * guessed.
 */
import { describe, expect, test } from 'vitest'
import { counterName, counterSum } from '../../../../src/core/health/predict-metrics.ts'
import {
  cgroupPaths,
  cpuMax,
  memoryShare,
  numberAfter,
  numberAlone,
  procMeminfo,
  procStat,
} from '../../../../src/core/health/predict-readings.ts'

describe('kernel texts', () => {
  test.each([
    ['cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4\n', { busy: 150, total: 1_000 }],
    ['cpu  1 2 3 4\n', { busy: 6, total: 10 }],
    ['cpu0 1 2 3 4\n', undefined],
    ['', undefined],
  ])('/proc/stat %j is %j', (text, expected) => expect(procStat(text)).toEqual(expected))

  test('memory in use is what MemAvailable leaves', () => {
    const text = 'MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    250 kB\n'
    expect(procMeminfo(text)).toBe(75)
    expect(procMeminfo('MemTotal: 1000 kB\n')).toBeUndefined()
  })

  test.each([
    ['50000 100000\n', 0.5],
    ['max 100000\n', undefined],
    ['0 100000', undefined],
    ['nonsense', undefined],
  ])('cpu.max %j allows %j processors', (text, cores) => expect(cpuMax(text)).toBe(cores))

  test('a word at the start of a line is not the start of another word', () => {
    expect(numberAfter('inactive_file_x 1\ninactive_file 2\n', 'inactive_file')).toBe(2)
    expect(numberAlone(' 12 \n')).toBe(12)
    expect(numberAlone('12 13')).toBeUndefined()
  })

  test('paths of both versions are found, and none that climbs', () => {
    const text = '4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n1:x:/../e\nrubbish\n'
    const { unified, controllers } = cgroupPaths(text)
    expect(unified).toBe('/d')
    expect([...controllers]).toEqual([
      ['memory', '/a/b'],
      ['cpu', '/c'],
      ['cpuacct', '/c'],
    ])
  })

  test('a limit near 2^63 is none', () => {
    expect(memoryShare(300, 100, 1_000)).toBe(20)
    expect(memoryShare(300, undefined, 1_000)).toBe(30)
    expect(memoryShare(300, 100, 2 ** 63)).toBeUndefined()
    expect(memoryShare(undefined, 100, 1_000)).toBeUndefined()
  })
})

describe('metrics pages', () => {
  const page = [
    '# TYPE http_requests_total counter',
    'http_requests_total{code="200",path="/a b{}"} 90 1700000000000',
    'http_requests_total{code="500",path="/"} 7',
    'http_requests_total{code="503"} 3e0',
    'http_requests_total_other 1000',
    'errors_total 5',
    'bad_total NaN',
  ].join('\n')
  const sum = (text: string) => {
    const name = counterName(text)
    return name.ok ? counterSum(page, name.value) : name.error
  }

  test.each([
    ['http_requests_total', 100],
    ['http_requests_total{code=~"5.."}', 10],
    ['http_requests_total{code="200"}', 90],
    ['http_requests_total{code!="200"}', 10],
    ['http_requests_total{path=""}', 3],
    ['errors_total', 5],
    ['errors_total{}', 5],
    ['absent_total', undefined],
    ['bad_total', undefined],
    ['not a counter', 'is not a counter such as http_requests_total{code=~"5.."}'],
    ['a{b=~"(x+)+"}', 'has a pattern for b that is not a plain one'],
  ])('%s is %j', (name, expected) => expect(sum(name)).toBe(expected))

  test('a long hostile page is passed over in time', () => {
    const name = counterName('a{b="c"}')
    const hostile = `a{${'b="'.repeat(100_000)}\na${' '.repeat(8_000)}x\n`.repeat(10)
    const startedMs = performance.now()
    expect(name.ok && counterSum(hostile, name.value)).toBeUndefined()
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })
})
