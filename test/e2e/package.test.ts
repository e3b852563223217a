/**
 * Goal: what is shipped installs and runs where nothing else is installed.
 * Method: the npm package is made and looked into; in the full tier both packages are installed,
 * the Debian one into a root made by debootstrap, and run as the units would. No systemd runs in
 * such a root: that the units themselves load is judged by systemd-analyze.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectRoot } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const isFull = process.env['OPENGSLB_FULL'] === '1'
const isRoot = process.getuid?.() === 0
const folder = mkdtempSync(join(tmpdir(), 'opengslb-package-'))
const out = join(projectRoot, 'out')

const version = (): string =>
  (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string })
    .version

const run = (command: string, ...words: readonly string[]): string =>
  execFileSync(command, words, { encoding: 'utf8', maxBuffer: 1 << 26 })

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the npm package', () => {
  let names: string[] = []
  let file = ''

  beforeAll(() => {
    run(process.execPath, join(projectRoot, 'scripts', 'package.mjs'), 'npm')
    file = join(out, readdirSync(out).find((name) => name.endsWith('.tgz')) ?? '')
    names = run('tar', '-tzf', file).split('\n')
    run('tar', '-xzf', file, '-C', folder)
  }, 300_000)

  const json = (name: string) =>
    JSON.parse(readFileSync(join(folder, 'package', name), 'utf8')) as Record<string, unknown>

  test('holds the program, its compiled addon, the dashboard and the examples', () => {
    for (const name of [
      'dist/opengslb.js',
      'dist/cli/main.js',
      'dist/native/opengslb.node',
      'dist/dashboard/index.html',
      // The licences of what is bundled ask for it.
      'dist/run/NOTICES.txt',
      'config/quickstart.yaml',
    ])
      expect(names).toContain(`package/${name}`)
    expect(names.filter((name) => /\.map$|^package\/(?:src|test|bench)\//.test(name))).toEqual([])
  })

  test('runs nothing when it is installed, and fixes every version', () => {
    const { scripts, devDependencies, dependencies } = json('package.json')
    expect([scripts, devDependencies]).toEqual([undefined, undefined])
    const { packages } = json('npm-shrinkwrap.json') as {
      packages: Record<string, { dev?: boolean; resolved?: string; integrity?: string }>
    }
    for (const name of Object.keys(dependencies as object))
      expect(packages[`node_modules/${name}`]?.integrity).toMatch(/^sha512-/)
    expect(Object.values(packages).filter(({ dev }) => dev === true)).toEqual([])
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
  })

  test.runIf(has('objdump'))('brings an addon that old C libraries load', () => {
    const symbols = run('objdump', '-T', join(folder, 'package/dist/native/opengslb.node'))
    const newest = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]))
    expect(Math.max(...newest)).toBeLessThanOrEqual(17)
  })

  if (isFull)
    test('installs without scripts and says its version', () => {
      const place = join(folder, 'installed')
      run('npm', 'install', '--silent', '--ignore-scripts', '--prefix', place, file)
      const bin = join(place, 'node_modules', '.bin')
      expect(run(join(bin, 'opengslb'), '--version')).toMatch(/^OpenGSLB \d/)
      expect(run(join(bin, 'opengslb-cli'), '--help')).toContain('Usage')
    }, 300_000)
})

describe('the units', () => {
  const units = ['opengslb', 'opengslb-overwatch', 'opengslb-agent']
  const text = (unit: string) =>
    readFileSync(join(projectRoot, 'deploy', 'systemd', `${unit}.service`), 'utf8')

  test.each(units)(
    '%s tells systemd when it is ready, reloads by SIGHUP, reads node.env',
    (unit) => {
      for (const line of [
        'Type=notify',
        'User=opengslb',
        'ExecReload=/bin/kill -HUP $MAINPID',
        'EnvironmentFile=-/etc/opengslb/node.env',
        'NoNewPrivileges=yes',
        'WatchdogSec=30',
        'LimitNOFILE=65535',
      ])
        expect(text(unit).split('\n')).toContain(line)
    },
  )

  test('each has only the capabilities it needs', () => {
    const of = (unit: string) => /^CapabilityBoundingSet=(.*)$/m.exec(text(unit))?.[1]
    expect(units.map(of)).toEqual([
      'CAP_NET_BIND_SERVICE CAP_NET_ADMIN',
      'CAP_NET_BIND_SERVICE',
      'CAP_NET_ADMIN',
    ])
  })

  test.runIf(has('systemd-analyze'))('load, and are exposed to 2.2 of 10 at most', () => {
    for (const unit of units) {
      // What it starts is not installed here.
      const path = join(folder, `${unit}.service`)
      writeFileSync(path, text(unit).replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
      const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' })
      expect(verified.stderr.split('\n').filter((line) => line.includes(unit))).toEqual([])
      const words = ['security', '--offline=true', '--no-pager', path]
      const { stdout } = spawnSync('systemd-analyze', words, { encoding: 'utf8' })
      const exposure = Number(/exposure level for .*: ([\d.]+)/.exec(stdout)?.[1])
      expect(exposure).toBeLessThanOrEqual(2.2)
    }
  })
})

/** Where Debian's packages come from on this machine. */
const mirror = (): string =>
  run('sh', '-c', "apt-get indextargets --format '$(SITE) $(RELEASE)'").split(/\s/)[0] ?? ''

/** In the full tier, as root, with debootstrap; it takes minutes. */
function cleanRoot(): void {
  const root = join(folder, 'root')
  let seen: Record<string, string[]> = {}

  beforeAll(() => {
    run(process.execPath, join(projectRoot, 'scripts', 'package.mjs'), 'deb')
    const include = '--include=libcap2-bin,libstdc++6'
    run('debootstrap', '--variant=minbase', include, 'bookworm', root, mirror())
    const deb = join(out, readdirSync(out).find((name) => name.endsWith('.deb')) ?? '')
    seen = seenBy('clean-root.sh', root, deb)
  }, 900_000)

  test('takes the package; the launcher has the capabilities and is for the group alone', () => {
    expect(seen['install']).toEqual([
      'installed',
      '/usr/local/bin/opengslb cap_net_bind_service,cap_net_admin=ep',
      '/usr/local/bin/opengslb root:opengslb 750',
      '/etc/opengslb root:opengslb 750',
      '/var/lib/opengslb opengslb:opengslb 750',
      expect.stringContaining('Permission denied'),
    ])
  })

  test('runs it on port 53 without root, by UDP and TCP, and its command line', () => {
    expect(seen['by the capabilities of the file']).toEqual([
      'front=native',
      'by=uws',
      '"hello"',
      '"hello"',
      'OpenGSLB Overwatch Status: Healthy',
    ])
    expect(seen['replaced']).toEqual(['another process', '"hello"'])
    expect(seen['the environment lets nothing in']).toEqual(['OpenGSLB 2.0.0'])
  })

  test("runs the unit's command with the capability of the unit alone", () => {
    const lines = seen['as opengslb-overwatch.service starts it'] ?? []
    expect(lines[0]).toBe('"hello"')
    expect(lines[1]).toMatch(/0000000000000400$/)
  })

  test('learns round-trip times as an agent with CAP_NET_ADMIN alone', () => {
    const lines = seen['as opengslb-agent.service starts it'] ?? []
    expect(lines[0]).toMatch(/^latency learning began.*ends=true$/)
  })

  test('is as it was after a purge', () => {
    expect(seen['removed']).toEqual(['purged', '2'])
  })

  describe('with the npm package and a Node', () => npmInRoot(root))
}

/** What a script of the harness saw, in namespaces of its own, by its headings. */
function seenBy(script: string, ...words: readonly string[]): Record<string, string[]> {
  const spaces = ['-m', '-p', '-n', '--fork', '--mount-proc', '--kill-child']
  const text = run('unshare', ...spaces, join(projectRoot, 'test', 'harness', script), ...words)
  console.info(text)
  const parts = text.split(/^== /m).slice(1)
  return Object.fromEntries(
    parts.map((part) => {
      const [title = '', ...lines] = part.trim().split('\n')
      return [title, lines]
    }),
  )
}

/** The root brings no npm: that of this machine installs into it, and runs nothing of it. */
function npmInRoot(root: string): void {
  let seen: Record<string, string[]> = {}

  beforeAll(() => {
    // The Node of this machine, which is one that the package is for.
    cpSync(process.execPath, join(root, 'usr/local/bin/node'))
    run(process.execPath, join(projectRoot, 'scripts', 'package.mjs'), 'npm')
    const file = join(out, readdirSync(out).find((name) => name.endsWith('.tgz')) ?? '')
    const prefix = `--prefix=${join(root, 'usr/local')}`
    run('npm', 'install', '--global', '--silent', '--ignore-scripts', prefix, file)
    seen = seenBy('clean-root-npm.sh', root)
  }, 600_000)

  test('installs without scripts, and gives nothing a capability', () => {
    expect(seen['npm: installed']).toEqual([`OpenGSLB ${version()}`, 'Usage', '0'])
  })

  test('runs on port 53 as its user with the capability of the unit alone', () => {
    const lines = seen['npm: an overwatch on port 53'] ?? []
    expect(lines.slice(0, 5)).toEqual([
      'front=native',
      'by=uws',
      '"hello"',
      '"hello"',
      'as its user',
    ])
    expect(lines[5]).toMatch(/0000000000000400$/)
    expect(seen['npm: replaced']).toEqual(['another process', '"hello"'])
    expect(seen['npm: without the capability']).toEqual(['EACCES'])
  })

  test('learns round-trip times as an agent with CAP_NET_ADMIN alone', () => {
    const lines = seen['npm: an agent'] ?? []
    expect(lines[0]).toMatch(/^latency learning began.*ends=true$/)
  })
}

if (isFull && isRoot && has('debootstrap', 'unshare', 'dig')) describe('a clean root', cleanRoot)
