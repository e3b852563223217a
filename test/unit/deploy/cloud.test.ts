/**
 * Goal: what is deployed elsewhere fits together, as far as this machine can tell. Method: the
 * files are parsed, the program reads the configurations in them, and names that one file gives
 * another are looked up. No cloud, no cluster and no Windows runs here; terraform's `fmt` parses
 * where it is installed, but its `validate` needs the provider's plugin, which is not to be had.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { fail, ok } from '../../../src/core/base/result.ts'
import type { Files } from '../../../src/core/config/files.ts'
import { loadConfig } from '../../../src/core/config/load.ts'
import { formatProblem } from '../../../src/core/config/problems.ts'
import { root } from '../../harness/source.ts'
import { has } from '../../harness/tools.ts'

const read = (path: string) => readFileSync(join(root, 'deploy', path), 'utf8')
const SECRETS = {
  GOSSIP_KEY: Buffer.alloc(32, 7).toString('base64'),
  SERVICE_TOKEN: 'a-token-of-sixteen-chars',
}

/** What the program has against a configuration. */
function faultsOf(text: string): string[] {
  const files: Files = {
    read: (path) =>
      path === '/c.yaml'
        ? ok({ bytes: new TextEncoder().encode(text), mode: 0o640, identity: path })
        : fail('missing'),
    list: () => fail('missing'),
    directoryOf: () => '/',
    join: (directory, path) => `${directory}/${path}`,
  }
  const loaded = loadConfig('/c.yaml', { files, env: SECRETS })
  return loaded.ok ? [] : loaded.error.map(formatProblem)
}

describe('terraform', () => {
  const names = readdirSync(join(root, 'deploy/terraform')).filter((name) => name.endsWith('.tf'))
  const text = names.map((name) => read(`terraform/${name}`)).join('\n')
  const declared = (kind: string) =>
    [...text.matchAll(new RegExp(`^${kind} "([\\w-]+)"`, 'gm'))].map((match) => match[1] ?? '')

  test('declares the variables and outputs of the document, and uses no other', () => {
    expect(declared('variable')).toEqual(
      expect.arrayContaining([
        ...['resource_group_name', 'admin_username', 'ssh_public_key_path', 'vm_size'],
        ...['windows_admin_password', 'enable_bastion'],
      ]),
    )
    expect(text).toContain('"rg-opengslb-latency-test"')
    expect(declared('output')).toContain('traffic_eastus_public_ip')
    const used = [...text.matchAll(/\bvar\.(\w+)/g)].map((match) => match[1] ?? '')
    expect(new Set(used)).toEqual(new Set(declared('variable')))
  })

  test('refers to resources that it declares', () => {
    const resources = [...text.matchAll(/^resource "(\w+)" "([\w-]+)"/gm)].map(
      (match) => `${match[1]}.${match[2]}`,
    )
    const code = text.replace(/^\s*#.*$/gm, '')
    const used = [...code.matchAll(/\b((?:azurerm|random)_\w+\.[a-z_]+)(?=[.[])/g)].map(
      (match) => match[1] ?? '',
    )
    expect(used.length).toBeGreaterThan(20)
    expect(used.filter((name) => !resources.includes(name))).toEqual([])
  })

  test('gives each template what it asks for, and files that are there', () => {
    const given = /templatefile\([^{]*\{([\s\S]*?)\n {2}\}\)/.exec(text)?.[1] ?? ''
    const keys = [...given.matchAll(/^ +(\w+) +=/gm)].map((match) => match[1])
    for (const role of ['overwatch', 'agent', 'traffic']) {
      const template = read(`terraform/cloud-init/${role}.yaml.tftpl`)
      const asked = [...template.matchAll(/(?<!\$)\$\{(\w+)\}/g)].map((match) => match[1])
      expect(
        asked.filter((name) => !keys.includes(name)),
        role,
      ).toEqual([])
    }
    for (const [, name] of text.matchAll(/file\("\$\{local\.scripts\}\/([\w.-]+)"\)/g))
      expect(existsSync(join(root, 'deploy/scripts', name ?? '')), name).toBe(true)
  })

  test.each(['overwatch', 'agent'])(
    'cloud-init writes a configuration that the %s takes',
    (role) => {
      const values: Record<string, string> = { region: 'eu-west', overwatch: '10.1.1.10' }
      const filled = read(`terraform/cloud-init/${role}.yaml.tftpl`)
        .replace(/(?<!\$)\$\{(\w+)\}/g, (_, name: string) => values[name] ?? 'value')
        .replaceAll('$${', '${')
      const { write_files: files } = parse(filled) as {
        write_files: { path: string; content: string }[]
      }
      const config = files.find(({ path }) => path === '/etc/opengslb/config.yaml')
      expect(faultsOf(config?.content ?? '')).toEqual([])
    },
  )

  if (has('terraform'))
    test('is written as terraform itself would', () => {
      const words = ['fmt', '-check', '-recursive', join(root, 'deploy/terraform')]
      const { status, stdout } = spawnSync('terraform', words, { encoding: 'utf8' })
      expect([status, stdout.trim()]).toEqual([0, ''])
    })
})

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  // Read by path in the tests: each kind has its own shape.
  readonly spec: never
  readonly data?: Readonly<Record<string, string>>
}

describe('kubernetes', () => {
  const manifests = (path: string) =>
    parseAllDocuments(read(`kubernetes/${path}`)).map((one) => {
      expect(one.errors).toEqual([])
      return one.toJS() as Manifest
    })
  const base = manifests('base/opengslb.yaml')
  const of = (kind: string, name = 'opengslb') =>
    JSON.parse(
      JSON.stringify(base.find((one) => one.kind === kind && one.metadata.name === name) ?? {}),
    )

  test('has pods with names, services, a budget for disruptions, all in one namespace', () => {
    expect(base.map(({ kind }) => kind).sort()).toEqual([
      ...['ConfigMap', 'Namespace', 'PodDisruptionBudget'],
      ...['Service', 'Service', 'Service', 'StatefulSet'],
    ])
    for (const { kind, metadata } of base)
      if (kind !== 'Namespace') expect(metadata.namespace).toBe('opengslb')
  })

  test('what selects pods selects those of the set, by ports that they have', () => {
    const { template } = of('StatefulSet').spec
    const { labels } = template.metadata
    const ports = template.spec.containers[0].ports.map(({ name }: { name: string }) => name)
    expect(of('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels)
    for (const name of ['opengslb-dns', 'opengslb-gossip', 'opengslb-api']) {
      const { selector, ports: served } = of('Service', name).spec
      expect(selector).toEqual(labels)
      for (const { targetPort } of served) expect(ports).toContain(targetPort)
    }
    expect(
      of('Service', 'opengslb-dns').spec.ports.map(({ port, protocol }: never) => [port, protocol]),
    ).toEqual([
      [53, 'UDP'],
      [53, 'TCP'],
    ])
  })

  test('pods are probed where the API answers, and run with no right that they do not need', () => {
    const { spec } = of('StatefulSet').spec.template
    const [container] = spec.containers
    expect(container.readinessProbe.httpGet.path).toBe('/api/v1/ready')
    for (const probe of ['livenessProbe', 'startupProbe'])
      expect(container[probe].httpGet.path).toBe('/api/v1/live')
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10053 })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('the configuration is one that the program takes', () => {
    expect(faultsOf(of('ConfigMap').data['config.yaml'])).toEqual([])
    expect(of('ConfigMap').data['config.yaml']).toContain('listen_address: ":5353"')
  })

  test('every pod keeps its keys, and shares them with all by the names that pods have', () => {
    const { replicas, serviceName, volumeClaimTemplates, template } = of('StatefulSet').spec
    const [container] = template.spec.containers
    const { name } = volumeClaimTemplates[0].metadata
    expect(container.volumeMounts).toContainEqual({ name, mountPath: '/var/lib/opengslb' })
    expect(of('Service', serviceName).spec.clusterIP).toBe('None')
    const { port } = of('Service', 'opengslb-api').spec.ports[0]
    const pods = Array.from({ length: replicas }, (_, at) => `opengslb-${at}.${serviceName}`)
    const config = parse(of('ConfigMap').data['config.yaml'])
    const { peers } = config.overwatch.dnssec.key_sync
    expect(peers).toEqual(pods.map((pod) => `http://${pod}:${port}`))
  })

  test('the webhook provider is called as it can be, beside ExternalDNS', () => {
    const [patch] = manifests('external-dns/sidecars.yaml')
    const { containers } = JSON.parse(JSON.stringify(patch)).spec.template.spec
    const [externalDns, provider] = containers
    expect(externalDns.args).toContain('--webhook-provider-url=http://127.0.0.1:8888')
    expect(externalDns.args).toContain('--registry=noop')
    expect(provider.args).toContain('--listen=127.0.0.1:8888')
    expect(provider.args).toContain('external-dns')
  })
})

if (has('kubectl'))
  test.each(['base', 'external-dns'])('kustomize builds %s', (name) => {
    const words = ['kustomize', join(root, 'deploy/kubernetes', name)]
    const { status, stdout, stderr } = spawnSync('kubectl', words, { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('kind: PodDisruptionBudget')
    expect(stdout.includes('--registry=noop')).toBe(name === 'external-dns')
  })

describe('windows', () => {
  const script = read('windows/bootstrap-windows.ps1')

  test('the script takes the parameters of the document', () => {
    for (const name of [
      ...['Role', 'OverwatchIP', 'Region', 'ServiceToken', 'GossipKey', 'ServiceName'],
      ...['BackendPort', 'VerboseOutput'],
    ])
      expect(script).toMatch(new RegExp(`\\]\\$${name}\\b`))
  })

  test('it writes a configuration that the agent takes, with the log where the document has it', () => {
    const yaml = /\$yaml = @"\n([\s\S]*?)\n"@/.exec(script)?.[1] ?? ''
    const filled = yaml
      .replace('$ServiceToken', SECRETS.SERVICE_TOKEN)
      .replace('$Region', 'eu-west')
      .replace('$ServiceName', 'web')
      .replace('$BackendPort', '80')
      .replace('$GossipKey', SECRETS.GOSSIP_KEY)
      .replace('$nodes', '"10.1.1.10:7946"')
    expect(filled).not.toContain('$')
    expect(faultsOf(filled)).toEqual([])
    expect(filled).toContain('file: C:/opengslb/logs/agent.log')
  })

  test('its brackets and quotes close', () => {
    const code = script
      .replace(/<#[\s\S]*?#>/, '')
      .replace(/@"\n[\s\S]*?\n"@/g, '""')
      .replace(/`./g, '')
      .replace(/'[^'\n]*'|"[^"\n]*"/g, '')
      .replace(/#.*$/gm, '')
    for (const [open, close] of ['()', '{}', '[]'].map((pair) => [...pair]))
      expect(code.split(open!).length, open).toBe(code.split(close!).length)
    expect(code).not.toMatch(/['"]/)
  })
})
