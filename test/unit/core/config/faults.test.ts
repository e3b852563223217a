// Goal: every fault is told once, at its place, and none that only follows from another.
import { expect, test } from 'vitest'
import { load, SMALL } from './load-text.ts'

const paths = (text: string) => load(text).errors.map((line) => line.split(': ')[2])

test('a key called __proto__ is an unknown key like any other', () => {
  expect(paths('__proto__: { mode: agent }\n')).toEqual(['__proto__'])
  expect(paths(`${SMALL}api: { __proto__: { enabled: true }, constructor: 1 }\n`)).toEqual([
    'api.__proto__',
    'api.constructor',
  ])
})

test('faults of one item leave the next alone, and indices stay those of the file', () => {
  const text =
    'dns: { zones: [example.com] }\n' +
    'regions:\n  - servers: [{ port: 0 }, { address: 192.0.2.1, port: 0 }]\n' +
    '  - { name: good, servers: [{ address: 192.0.2.1 }, { address: 192.0.2.1 }] }\n' +
    '  - { name: twice }\n  - { name: twice }\n' +
    'domains:\n  - { name: a.example.com, regions: [good, twice] }\n'
  expect(paths(text)).toEqual([
    'regions[0].name',
    'regions[0].servers[0].address',
    'regions[0].servers[0].port',
    'regions[0].servers[1].port',
    'regions[1].servers[1].address',
    'regions[3].name',
  ])
})

test('a list that is empty only because its items are faulty is not called empty', () => {
  const text =
    'mode: agent\nagent:\n  identity: { service_token: short }\n' +
    '  backends: [{ service: a, address: "bad address", port: 80 }]\n' +
    '  gossip: { encryption_key: "!", overwatch_nodes: [nowhere] }\n'
  expect(paths(text)).toEqual([
    'agent.identity.service_token',
    'agent.backends[0].address',
    'agent.gossip.encryption_key',
    'agent.gossip.overwatch_nodes[0]',
  ])
})

test('a region that is faulty is still a region to those who name it', () => {
  const text = SMALL.replace('name: main', 'name: main\n    colour: blue\n    countries: [X]')
  expect(paths(text)).toEqual(['regions[0].colour', 'regions[0].countries[0]'])
})

test('names of regions are compared letter by letter, and a near one is offered', () => {
  const { errors } = load(SMALL.replace('regions: [main]', 'regions: [Main]'))
  expect(errors).toHaveLength(1)
  expect(errors[0]).toContain('did you mean `main`?')
})

test('the secret in an unknown key is masked', () => {
  const { errors } = load(`${SMALL}api: { secret_token: hunter2hunter2 }\n`)
  expect(errors.join()).not.toContain('hunter2')
})

test('a value cannot put control characters or a second line into the log', () => {
  const { errors } = load(`${SMALL}logging: { level: "x\\n2026 fake \\e[31m" }\n`)
  expect(errors).toHaveLength(1)
  expect(errors[0]).not.toMatch(/[\u0000-\u001f]/)
})

test('compact nesting is refused before it is parsed', () => {
  expect(load(`a: 1\n${'- '.repeat(50)}x\n`).errors).toEqual([
    'main.yaml:2:1: error: is nested too deeply',
  ])
})

test('past five hundred problems the rest is counted', () => {
  const text = Array.from({ length: 2_000 }, (_, at) => `k${at}: 1\n`).join('')
  expect(load(text).errors.length).toBeLessThanOrEqual(501)
})

test('anchors and merge keys work, and a key of its own wins over a merged one', () => {
  const text =
    'dns: { zones: [example.com] }\nregions:\n' +
    '  - name: a\n    health_check: &check { type: tcp, interval: 9s }\n' +
    '  - name: b\n    health_check: { <<: *check, interval: 5s }\n'
  const { loaded } = load(text)
  expect(loaded!.config.regions[1]!.health_check).toEqual({ type: 'tcp', interval: 5_000 })
})
