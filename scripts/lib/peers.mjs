/**
 * The real peers that tests talk to, and the Debian packages they come from.
 *
 * Where packages may be installed (root and apt), missing ones are; otherwise the suites that need
 * them name themselves as skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Each tool by the packages that bring it. */
export const PEERS = {
  dig: 'dnsutils',
  delv: 'dnsutils',
  kdig: 'knot-dnsutils',
  mmdblookup: 'mmdb-bin',
  unbound: 'unbound',
  named: 'bind9',
  'named-compilezone': 'bind9-utils',
  'dnssec-keygen': 'bind9-utils',
  nsd: 'nsd',
  bird: 'bird2',
  haproxy: 'haproxy',
  openssl: 'openssl',
  curl: 'curl',
  pgrep: 'procps',
  serf: 'serf',
  chromium: 'chromium',
  nginx: 'nginx-light',
  ip: 'iproute2',
  jq: 'jq',
  promtool: 'prometheus',
  'systemd-analyze': 'systemd',
  objdump: 'binutils',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  go: 'golang-go golang-github-hashicorp-memberlist-dev',
  // 69 MB to fetch: the addon for Windows is compiled wherever the suites run.
  'x86_64-w64-mingw32-g++': 'g++-mingw-w64-x86-64-win32',
  // What only suites at full size talk to.
  ...(process.env.OPENGSLB_FULL === '1'
    ? {
        vtysh: 'frr',
        keepalived: 'keepalived',
        strace: 'strace',
        wine: 'wine wine64',
        drill: 'ldnsutils',
        dnsviz: 'dnsviz python3-pygraphviz',
      }
    : {}),
}

const found = (tool) =>
  spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status === 0

const missing = () => Object.keys(PEERS).filter((tool) => !found(tool))

/** What package scripts ask before they start a service; 101 says no. */
const POLICY = '/usr/sbin/policy-rc.d'

/** The tests start what they need by themselves: a name server on port 53 would be in the way. */
function withoutServices(install) {
  if (existsSync(POLICY)) return install()
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    rmSync(POLICY, { force: true })
  }
}

/** Installs what it may; returns the tools still missing. */
export function installPeers() {
  const wanted = missing()
  if (wanted.length === 0) return []
  if (process.getuid?.() !== 0 || !found('apt-get')) return wanted
  const packages = [...new Set(wanted.flatMap((tool) => PEERS[tool].split(' ')))]
  process.stdout.write(`Installing Debian packages for the tests: ${packages.join(' ')}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (args) =>
    spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  apt(['update'])
  withoutServices(() => apt(['install', '-y', '--no-install-recommends', ...packages]))
  return missing()
}
