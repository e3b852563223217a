/**
 * NSD, Knot DNS, gdnsd and PowerDNS, each configured to be as fast as it can with one thread.
 *
 * None is started as a service of the system: each runs in the foreground, on loopback, with all
 * its files in a folder of its own. Response rate limiting is off where it is on by default.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from './native.ts'
import { Pinned } from './pinned.ts'
import { type Setup, serverAddress, weightOf, ZONE, zoneText } from './setup.ts'
import { type Start, type Subject, untilAnswering, versionOf } from './subject.ts'

interface Peer {
  readonly name: string
  readonly program: string
  readonly versionFlag: string
  readonly refuses?: (setup: Setup) => string | undefined
  /** Writes its files and gives its command line. */
  readonly prepare: (start: Start) => readonly string[]
}

const put = (folder: string, path: string, text: string): string => {
  const whole = join(folder, path)
  writeFileSync(whole, text, { mode: 0o644 })
  return whole
}

const zoneIn = ({ folder, setup }: Start): string => put(folder, 'zone', zoneText(setup))

const nsd: Peer = {
  name: 'NSD',
  program: 'nsd',
  versionFlag: '-v',
  prepare: (start) => {
    const { folder, port, setup } = start
    const config = `server:
  ip-address: 127.0.0.1@${port}
  server-count: ${setup.threads}
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: "${folder}/pid"
  xfrdfile: "${folder}/xfrd"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zonelist"
  rrl-ratelimit: 0
  minimal-responses: yes
  tcp-count: 256
  verbosity: 0
remote-control:
  control-enable: no
zone:
  name: ${ZONE}
  zonefile: "${zoneIn(start)}"
`
    return ['nsd', '-d', '-c', put(folder, 'nsd.conf', config)]
  },
}

const knot: Peer = {
  name: 'Knot',
  program: 'knotd',
  versionFlag: '--version',
  prepare: (start) => {
    const { folder, port, setup } = start
    const config = `server:
  rundir: ${folder}
  listen: 127.0.0.1@${port}
  udp-workers: ${setup.threads}
  tcp-workers: ${setup.threads}
  background-workers: 1
database:
  storage: ${folder}/db
log:
  - target: stderr
    any: error
zone:
  - domain: ${ZONE}
    file: ${zoneIn(start)}
    zonefile-sync: -1
    journal-content: none
`
    return ['knotd', '-c', put(folder, 'knot.conf', config)]
  },
}

const resourceOf = ({ servers }: Setup): string => {
  const items = Array.from({ length: servers }, (_, index) => {
    return `      s${index} => [ ${serverAddress(index)}, ${weightOf(index)} ]`
  })
  return `plugins => { weighted => {
    service_types => up
    multi => false
    app => {
${items.join('\n')}
    }
} }
`
}

const gdnsd: Peer = {
  name: 'gdnsd',
  program: 'gdnsd',
  versionFlag: 'version',
  refuses: ({ servers }) => (servers > 64 ? 'weighs at most 64 addresses' : undefined),
  prepare: ({ folder, port, setup }) => {
    for (const one of ['zones', 'run', 'state']) mkdirSync(join(folder, one))
    const steered = setup.servers > 0 ? ['app DYNA weighted!app'] : []
    put(folder, `zones/${ZONE}`, zoneText(setup, steered))
    const config = `options => {
  listen => 127.0.0.1:${port}
  udp_threads => ${setup.threads}
  tcp_threads => ${setup.threads}
  run_dir => ${folder}/run
  state_dir => ${folder}/state
}
${setup.servers > 0 ? resourceOf(setup) : ''}`
    put(folder, 'config', config)
    return ['gdnsd', '-c', folder, 'start']
  },
}

const powerdns: Peer = {
  name: 'PowerDNS',
  program: 'pdns_server',
  versionFlag: '--version',
  prepare: (start) => {
    const { folder, port, setup } = start
    const zone = zoneIn(start)
    put(folder, 'named.conf', `zone "${ZONE}" { type master; file "${zone}"; };\n`)
    // Without the last line it would look up its own security status on the network.
    const config = `launch=bind
bind-config=${folder}/named.conf
local-address=127.0.0.1
local-port=${port}
receiver-threads=${setup.threads}
distributor-threads=${setup.threads}
reuseport=${setup.threads > 1 ? 'yes' : 'no'}
cache-ttl=3600
query-cache-ttl=3600
negquery-cache-ttl=3600
max-cache-entries=2000000
max-packet-cache-entries=2000000
edns-subnet-processing=yes
daemon=no
guardian=no
webserver=no
disable-syslog=yes
loglevel=1
socket-dir=${folder}
max-tcp-connections=256
security-poll-suffix=
`
    put(folder, 'pdns.conf', config)
    return ['pdns_server', `--config-dir=${folder}`]
  },
}

/** What only a steering server can answer. */
const needsSteering = ({ servers }: Setup): string | undefined =>
  servers > 0 ? 'has no weighted or rotating choice of one address' : undefined

const subjectOf = (peer: Peer): Subject => ({
  name: peer.name,
  version: () =>
    installed(peer.program) ? (versionOf(peer.program, peer.versionFlag) ?? '?') : undefined,
  refuses: peer.refuses ?? needsSteering,
  start: async (start) => {
    const server = new Pinned(peer.prepare(start), start)
    await untilAnswering(server, start.port, `www.${ZONE}`)
    return { server, stop: () => server.stop() }
  },
})

export const peers: readonly Subject[] = [nsd, knot, gdnsd, powerdns].map(subjectOf)
