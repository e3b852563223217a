import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  configPaths,
  jsonSchema,
  referenceMarkdown,
  referenceYaml,
} from '../../../../src/core/config/document.ts'
import { load, loaded } from './load-text.ts'

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

test('reference.yaml loads to exactly the defaults', () => {
  expect(loaded(referenceYaml()).config).toEqual(loaded('').config)
})

test('reference.yaml and configuration.md hold every key', () => {
  const [yaml, markdown] = [referenceYaml(), referenceMarkdown()]
  for (const { path, name, shape, depth } of configPaths()) {
    expect(yaml, path).toMatch(new RegExp(`^[ #-]*${name}:`, 'm'))
    const head = depth === 0 && shape !== 'value' && shape !== 'values'
    expect(markdown, path).toContain(head ? `### \`${path}\`` : `| \`${path}\` |`)
  }
})

test('an item of reference.yaml, with its comment signs taken away, is accepted', () => {
  const text = referenceYaml()
  const start = text.indexOf('\nregions: []')
  const end = text.indexOf('\n\n', start)
  const item = text
    .slice(start, end)
    .replace('regions: []', 'regions:')
    .replaceAll(/^# {2}/gm, '')
    .replace(/- name:$/m, '- name: r')
    .replace(/- address:$/m, '- address: 192.0.2.1')
  expect(load(item).errors).toEqual([])
})

test('the checked-in documents are what the schema gives', () => {
  expect(read('config/reference.yaml')).toBe(referenceYaml())
  expect(read('docs/reference/configuration.md')).toBe(referenceMarkdown())
  expect(JSON.parse(read('docs/reference/config.schema.json'))).toEqual(jsonSchema())
})

test('every key has one sentence or more of description', () => {
  for (const { path, note } of configPaths()) expect(note.doc, path).toMatch(/^.{4,}\.$/)
})

test('secrets are marked as such', () => {
  const secrets = configPaths()
    .filter((key) => key.note.secret)
    .map((key) => key.path)
  expect(secrets).toEqual([
    'dns.cookies.secret',
    'dns.cookies.previous_secret',
    'overwatch.agent_tokens',
    'overwatch.gossip.encryption_key',
    'overwatch.gossip.keyring',
    'overwatch.dnssec.key_secret',
    'overwatch.dnssec.key_sync.secret',
    'overwatch.peering.secret',
    'agent.identity.service_token',
    'agent.gossip.encryption_key',
    'agent.gossip.keyring',
    'cluster.external.password',
    'cluster.gossip.encryption_key',
    'api.auth.tokens[].token',
  ])
})
