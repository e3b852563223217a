/**
 * The real peers that tests talk to, and the Debian packages they come from.
 *
 * Where packages may be installed (root and apt), missing ones are; otherwise the suites that need
 * them name themselves as skipped.
 */
import { spawnSync } from 'node:child_process'

const PEERS = {
  dig: 'dnsutils',
  kdig: 'knot-dnsutils',
  mmdblookup: 'mmdb-bin',
  unbound: 'unbound',
  named: 'bind9',
  'named-compilezone': 'bind9-utils',
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
        bird: 'bird2',
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
  apt(['install', '-y', '--no-install-recommends', ...packages])
  return missing()
}
