// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are what is tested.
import { describe, expect, test } from 'vitest'
import { interpolate } from '../../../../src/core/config/interpolate.ts'
import { load, loaded, SMALL } from './load-text.ts'

const env = { NAME: 'value', EMPTY: '', BRACES: '${NAME}' }
const text = (written: string) => interpolate(written, env).text

describe('interpolate', () => {
  test.each([
    ['${NAME}', 'value'],
    ['a-${NAME}-${NAME}', 'a-value-value'],
    ['${OTHER:-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${EMPTY}', ''],
    ['${OTHER:-}', ''],
    ['$$', '$'],
    ['$${NAME}', '${NAME}'],
    ['$NAME and 5$', '$NAME and 5$'],
    ['/^ok$/', '/^ok$/'],
    ['${BRACES}', '${NAME}'],
  ])('%s becomes %s', (written, expected) => {
    expect(interpolate(written, env)).toEqual({ text: expected, faults: [] })
  })

  test('an unset variable, a bad name and an open brace are faults', () => {
    const nested = ['${OTHER:-${NAME}}', '${NAME:-${OTHER}}']
    for (const written of ['${OTHER}', '${9}', '${}', '${NA ME}', '${NAME', ...nested])
      expect(interpolate(written, env).faults, written).toHaveLength(1)
  })

  test('inherited properties of the environment are not variables', () => {
    expect(interpolate('${constructor}', env).faults).toHaveLength(1)
  })

  test('a value that is too long is refused', () => {
    const long = interpolate('${LONG}', { LONG: 'x'.repeat(100_000) })
    expect(long.faults).toHaveLength(1)
    expect(text('short')).toBe('short')
  })
})

test('a variable fills a number, a truth value and a duration', () => {
  const { config } = loaded(
    `${SMALL}api: { enabled: "\${ON}" }\n` +
      'overwatch: { validation: { check_interval: "${EVERY}" } }\n',
    { env: { ON: 'true', EVERY: '15s' } },
  )
  expect(config.api.enabled).toBe(true)
  expect(config.overwatch.validation.check_interval).toBe(15_000)
})

test('what a variable holds stays one value, whatever YAML it spells', () => {
  const { config } = loaded(`${SMALL}logging:\n  file: \${FILE}\n`, {
    env: { FILE: 'a.log # x: {y: [z' },
  })
  expect(config.logging.file).toBe('a.log # x: {y: [z')
})

test('an error about a value from the environment names the variable', () => {
  const { errors } = load(`${SMALL}logging: { level: "\${LEVEL}" }\n`, { env: { LEVEL: 'loud' } })
  expect(errors[0]).toContain('got "loud" (from "${LEVEL}")')
})
