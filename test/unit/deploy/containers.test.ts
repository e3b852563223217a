/**
 * Goal: the files of the demos are whole, and hold the addresses and names that the founding
 * documents give. Method: they are parsed, and the program reads each configuration in them. No
 * engine builds an image here; what demos do is shown by test/e2e/demos.test.ts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fail, ok } from '../../../src/core/base/result.ts'
import type { Files } from '../../../src/core/config/files.ts'
import { loadConfig } from '../../../src/core/config/load.ts'
import { formatProblem } from '../../../src/core/config/problems.ts'
import { root } from '../../harness/source.ts'

interface Service {
  readonly container_name: string
  readonly build?: { readonly dockerfile: string; readonly target: string }
  readonly image?: string
  readonly networks: { readonly demo: { readonly ipv4_address: string } }
  readonly volumes?: readonly string[]
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: { readonly demo: { ipam: { config: { subnet: string; gateway: string }[] } } }
}

const demos = join(root, 'deploy', 'demos')
const names = readdirSync(demos).filter((name) => /^demo-\d-/.test(name))
const composeOf = (name: string) =>
  parse(readFileSync(join(demos, name, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose

/** Addresses by container of each demo, as the documents give them. */
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '1': { overwatch: '10.10.0.10', webapp2: '10.10.0.22', client: '10.10.0.100' },
  '2': {
    ...{ overwatch: '10.20.0.10', webapp1: '10.20.0.21', webapp2: '10.20.0.22' },
    ...{ webapp3: '10.20.0.23', client: '10.20.0.100' },
  },
  '3': { overwatch: '10.30.0.10', webapp1: '10.30.0.21', webapp3: '10.30.0.23' },
  '4': { overwatch: '172.28.0.10' },
  '5': { overwatch: '10.50.0.10', 'backend-1': '10.50.0.21', 'backend-3': '10.50.0.23' },
  '6': { overwatch: '10.1.1.10', 'traffic-eastus': '10.1.2.10' },
}

const toNumber = (address: string) =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

function isWithin(address: string, subnet: string): boolean {
  const [base = '', bits = '32'] = subnet.split('/')
  const size = 2 ** (32 - Number(bits))
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(base) / size)
}

const targets = [
  ...readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8').matchAll(/ AS (\w+)$/gm),
].map((match) => match[1])

describe.each(names)('%s', (name) => {
  const { services, networks } = composeOf(name)
  const folder = join(demos, name)

  test('each container has its name, an address of its own in the network, a program', () => {
    const { subnet, gateway } = networks.demo.ipam.config[0]!
    const addresses = Object.values(services).map((one) => one.networks.demo.ipv4_address)
    expect(new Set(addresses).size).toBe(addresses.length)
    for (const address of [...addresses, gateway]) expect(isWithin(address, subnet)).toBe(true)
    for (const [service, { container_name: given, build, image }] of Object.entries(services)) {
      expect(given).toBe(service)
      if (build === undefined) expect(image).toMatch(/^[\w./-]+:[\w.-]+$/)
      else expect(targets).toContain(build.target)
    }
    const known = Object.fromEntries(
      Object.entries(services).map(([service, one]) => [service, one.networks.demo.ipv4_address]),
    )
    expect(known).toMatchObject(expected[name[5]!] ?? {})
  })

  test('what containers mount and run is there', () => {
    for (const { volumes = [], command = [] } of Object.values(services)) {
      for (const volume of volumes)
        expect(existsSync(join(folder, volume.split(':')[0]!)), volume).toBe(true)
      const script = join(root, 'deploy/docker/root/usr/local/bin', command[0] ?? '')
      if (/^(?:web|chaos|demo)-/.test(command[0] ?? ''))
        expect(existsSync(script), script).toBe(true)
    }
  })

  test('no two containers take one port of the host', () => {
    const ports = Object.values(services).flatMap((one) => one.ports ?? [])
    const taken = ports.map((port) => `${port.split(':')[0]}${/\/udp$/.test(port) ? '/udp' : ''}`)
    expect(new Set(taken).size).toBe(taken.length)
  })

  test('the program reads the configurations, with the environment of the containers', () => {
    const mounted = Object.values(services).flatMap(({ volumes = [], environment = {} }) =>
      volumes
        .filter((volume) => /\/etc\/opengslb\//.test(volume))
        .map((volume) => ({ path: join(folder, volume.split(':')[0]!), environment })),
    )
    expect(mounted.length).toBeGreaterThan(0)
    for (const { path, environment } of mounted) {
      const files: Files = {
        read: (asked) =>
          asked === path
            ? ok({ bytes: readFileSync(path), mode: 0o644, identity: path })
            : fail('missing'),
        list: () => fail('missing'),
        directoryOf: () => folder,
        join: (directory, more) => join(directory, more),
      }
      const loaded = loadConfig(path, { files, env: environment })
      expect(loaded.ok ? [] : loaded.error.map(formatProblem), path).toEqual([])
    }
  })
})

test('the demos are those of the documents, one to six', () => {
  expect(names.map((name) => name.slice(0, 6)).sort()).toEqual(
    [1, 2, 3, 4, 5, 6].map((number) => `demo-${number}`),
  )
})

const scripts = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .filter((path) => /^#!\/bin\/(?:ba)?sh/.test(readFileSync(path, 'utf8')))

test('every shell script parses and may be run', () => {
  const all = scripts(join(root, 'deploy'))
  expect(all.length).toBeGreaterThan(10)
  for (const path of all) {
    const shell = readFileSync(path, 'utf8').startsWith('#!/bin/bash') ? 'bash' : 'sh'
    const { status, stderr } = spawnSync(shell, ['-n', path], { encoding: 'utf8' })
    expect([status, stderr], path).toEqual([0, ''])
    if (!path.includes('/debian/')) expect(statSync(path).mode & 0o111, path).not.toBe(0)
  }
})

test('the image runs as a user that is not root, is checked, and keeps its state', () => {
  const text = readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8')
  const stage = text.split(/^FROM /m).find((part) => part.includes('AS opengslb\n')) ?? ''
  expect(stage).toMatch(/^USER 10053:10053$/m)
  expect(stage).toMatch(/^HEALTHCHECK /m)
  expect(stage).toMatch(/^VOLUME \/var\/lib\/opengslb$/m)
  expect(stage).toMatch(/^EXPOSE 53\/udp 53\/tcp /m)
})
