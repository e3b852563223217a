/**
 * Goal: what an operator writes of predictive health becomes the rules that hold, in percent
 * however it was written, and a source of errors that cannot be read is refused.
 */
import { describe, expect, test } from 'vitest'
import { vitalsConfigOf } from '../../../../src/actors/vitals/config.ts'
import { load, loaded } from './load-text.ts'

const agentFile = (predictive: string) => `
mode: agent
agent:
  identity: { service_token: 0123456789abcdef, region: eu }
  backends: [{ service: app, address: 127.0.0.1, port: 80 }]
  gossip:
    encryption_key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
    overwatch_nodes: ["192.0.2.1:7946"]
  drain_file: /tmp/drain
  predictive: ${predictive}
`

const own = { agentId: 'eu-1', backends: [], drainStatePath: '/var/drains' }

test('the keys become rules, durations in milliseconds', () => {
  const written = agentFile('{ enabled: true, cpu: { threshold: 70, bleed_duration: 5s } }')
  const config = vitalsConfigOf(loaded(written).config.agent, own)
  expect(config).toEqual({
    ...own,
    drainFile: '/tmp/drain',
    countClients: true,
    predictive: {
      cpu: { threshold: 70, windowMs: 30_000, bleedMs: 5_000 },
      memory: { threshold: 85, windowMs: 30_000, bleedMs: 30_000 },
      errors: { threshold: 5, windowMs: 60_000, bleedMs: 30_000 },
      hysteresisShare: 0.1,
      intervalMs: 10_000,
    },
  })
  const off = vitalsConfigOf(loaded(agentFile('{}')).config.agent, own)
  expect(off.predictive).toBeUndefined()
})

test('fractions of one are percentages, each with a warning; 1 is one percent', () => {
  const { loaded: result, warnings } = load(
    agentFile(
      '{ enabled: true, cpu: { threshold: 0.85 }, memory: { threshold: 0.90 },' +
        ' error_rate: { threshold: 0.05 } }',
    ),
  )
  const { cpu, memory, errors } = vitalsConfigOf(result!.config.agent, own).predictive!
  expect([cpu.threshold, memory.threshold, errors.threshold]).toEqual([85, 90, 5])
  expect(warnings.filter((one) => one.includes('write percents')).length).toBe(3)
  const plain = loaded(agentFile('{ enabled: true, cpu: { threshold: 1 } }'))
  expect(plain.config.agent.predictive.cpu.threshold).toBe(1)
})

test.each(['0', '101', '-5', 'much'])('a threshold of %s is refused', (threshold) => {
  const { errors } = load(agentFile(`{ cpu: { threshold: ${threshold} } }`))
  expect(errors.join()).toContain('agent.predictive.cpu.threshold')
  expect(errors.join()).toContain('1 to 100')
})

describe('a source of errors', () => {
  const source = (keys: string) => load(agentFile(`{ error_rate: { source: { ${keys} } } }`))
  const page = 'url: "http://127.0.0.1:9/metrics"'

  test.each([
    [`${page}, errors: e_total, total: t_total`, ''],
    ['log: /var/log/app.log, errors: ERROR', ''],
    [`${page}, errors: e_total`, 'source.total: is required with url'],
    [page, 'source.errors: is required with url or log'],
    [`${page}, log: /x, errors: a, total: b`, 'source.log: stands beside url'],
    ['errors: e_total', 'names counters and no place to read them'],
    [`${page}, errors: "a b", total: t`, 'is not a counter such as'],
    ['url: "ftp://x/", errors: a, total: b', 'is not the address of a page'],
    ['url: "http://", errors: a, total: b', 'is not the address of a page'],
  ])('%s: %j', (keys, fault) => {
    const { errors } = source(keys)
    if (fault === '') expect(errors).toEqual([])
    else expect(errors.join()).toContain(fault)
  })
})
