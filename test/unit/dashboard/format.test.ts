import { describe, expect, test } from 'vitest'
import * as format from '../../../src/dashboard/format.ts'
import { linkTo, placeOf } from '../../../src/dashboard/route.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const at = (offsetMs: number) => new Date(NOW + offsetMs).toISOString()

describe('figures', () => {
  test.each([
    [undefined, '–'],
    [0, '0'],
    [1_234, '1,234'],
    [9_999.6, '10.0 k'],
    [56_700, '56.7 k'],
    [999_960, '1.0 M'],
  ])('a count of %s reads %s', (value, text) => expect(format.count(value)).toBe(text))

  test.each([
    [0.021, '21 µs'],
    [0, '0 ms'],
    [0.123, '0.12 ms'],
    [0.998, '1.0 ms'],
    [12.4, '12 ms'],
    [1_500, '1.5 s'],
  ])('%s milliseconds read %s', (value, text) => expect(format.millis(value)).toBe(text))

  test.each([
    [0, '0 %'],
    [28.96, '29 %'],
    [33.33, '33.3 %'],
    [100, '100 %'],
  ])('%s percent read %s', (value, text) => expect(format.percent(value)).toBe(text))

  test.each([
    [0, '0 s'],
    [59, '59 s'],
    [125, '2 min 5 s'],
    [7_200, '2 h'],
    [273_600, '3 d 4 h'],
  ])('%s seconds read %s', (value, text) => expect(format.span(value)).toBe(text))
})

describe('times', () => {
  test.each([
    [at(-400), 'now'],
    [at(-5_000), '5 s ago'],
    [at(-600_000), '10 min ago'],
    [at(7_200_000), 'in 2 h'],
    ['0001-01-01T00:00:00Z', 'never'],
    ['nonsense', 'never'],
    [undefined, 'never'],
  ])('%s reads %s', (text, said) => expect(format.ago(text, NOW)).toBe(said))
})

describe('places', () => {
  test('a link to a backend with an IPv6 address leads back to it', () => {
    const key = 'app.test:[2001:db8::1]:443'
    const { view, parts } = placeOf(linkTo('backends', [key]))
    expect([view, parts]).toEqual(['backends', [key]])
  })

  test('a filter travels in the address', () => {
    const place = placeOf(linkTo('backends', [], { text: 'a b&c', status: 'stale' }))
    expect(Object.fromEntries(place.query)).toEqual({ text: 'a b&c', status: 'stale' })
  })

  test('no address and a broken one are places too', () => {
    expect(placeOf('').view).toBe('overview')
    expect(placeOf('#/why/%zz').parts).toEqual(['%zz'])
  })
})
