/**
 * What etcd is told at its start, and what its last words mean.
 */
import { formatEndpoint, parseEndpoint } from '../net/address.ts'
import type { RaftTimes } from './raft-fence.ts'

/** Files of TLS; all of them or none. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export interface EngineSettings {
  readonly name: string
  /** `host:port` it listens on for other members. */
  readonly bind: string
  /** URL others reach that at. */
  readonly peerUrl: string
  /** URL told to those who ask for a way in: the door of this node. */
  readonly doorUrl: string
  readonly times: RaftTimes
  /** Changes between two snapshots. */
  readonly snapshotCount: number
  readonly tls?: TlsFiles
}

export type Founding =
  | { readonly kind: 'new' }
  | { readonly kind: 'existing'; readonly initialCluster: string }
  | { readonly kind: 'data'; readonly forceNew: boolean }

/** Folder of its data and name of its socket, in the folder it is started in. */
export const DATA_FOLDER = 'etcd'
export const SOCKET = 'client:0'
/** Where the node itself is heard by its watcher. */
export const BEAT = 'beat.sock'
/** The file of its last snapshot, there too; the one before has `.1` after it. */
export const SNAPSHOT = 'snapshot.db'

/** Space of the store, 512 MiB: far more than orders and names take; past it etcd only reads. */
export const QUOTA_BYTES = 536_870_912

/** The listener's URL: etcd takes addresses alone, and a missing host means all of them. */
function listenUrl(bind: string, scheme: string): string {
  const endpoint = parseEndpoint(bind)
  if (!endpoint.ok) return `${scheme}://${bind}`
  const { host, port } = endpoint.value
  return `${scheme}://${formatEndpoint(host === '' ? '0.0.0.0' : host, port)}`
}

export function engineArguments(settings: EngineSettings, founding: Founding): string[] {
  const { name, bind, peerUrl, doorUrl, times, snapshotCount, tls } = settings
  const scheme = tls === undefined ? 'http' : 'https'
  const flags: Record<string, string> = {
    name,
    'data-dir': DATA_FOLDER,
    'listen-peer-urls': listenUrl(bind, scheme),
    'initial-advertise-peer-urls': peerUrl,
    // A socket in a folder that only its owner may enter: nobody else on the host can write.
    'listen-client-urls': `unix://${SOCKET}`,
    'advertise-client-urls': doorUrl,
    'initial-cluster-token': 'opengslb',
    'heartbeat-interval': String(times.heartbeatMs),
    'election-timeout': String(times.electionMs),
    // A member that comes back must neither disturb a leader (pre-vote) nor stand for election
    // before a whole timeout has passed: the lease of raft-fence.ts counts on both.
    'pre-vote': 'true',
    'initial-election-tick-advance': 'false',
    'snapshot-count': String(snapshotCount),
    'quota-backend-bytes': String(QUOTA_BYTES),
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '1h',
    logger: 'zap',
    'log-level': 'warn',
    'log-outputs': 'stderr',
    ...foundingFlags(name, peerUrl, founding),
  }
  if (tls !== undefined) {
    flags['peer-cert-file'] = tls.certFile
    flags['peer-key-file'] = tls.keyFile
    flags['peer-trusted-ca-file'] = tls.caFile
    flags['peer-client-cert-auth'] = 'true'
  }
  return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
}

function foundingFlags(name: string, peerUrl: string, founding: Founding): Record<string, string> {
  switch (founding.kind) {
    case 'new':
      return { 'initial-cluster-state': 'new', 'initial-cluster': `${name}=${peerUrl}` }
    case 'existing':
      return {
        'initial-cluster-state': 'existing',
        'initial-cluster': founding.initialCluster,
      }
    default:
      // With data etcd ignores who founded it; it still wants its own name in the list. Where the
      // data went away meanwhile it must not found a cluster: `existing` makes it refuse.
      return {
        'initial-cluster-state': 'existing',
        'initial-cluster': `${name}=${peerUrl}`,
        ...(founding.forceNew ? { 'force-new-cluster': 'true' } : {}),
      }
  }
}

/** The oldest version with learners, and the first that is not known to fit. */
export function versionFault(version: string): string | undefined {
  const match = /^(\d+)\.(\d+)\./.exec(version)
  if (match === null) return `no version of etcd: "${version}"; 3.4 or a later 3.x is needed`
  const [major, minor] = [Number(match[1]), Number(match[2])]
  if (major === 3 && minor >= 4) return undefined
  return `version ${version} does not fit: 3.4 or a later 3.x is needed`
}

export type EngineFault =
  | 'address-in-use'
  | 'address-not-ours'
  | 'removed'
  | 'lost-data'
  | 'other-cluster'
  | 'not-permitted'
  | 'disk-full'
  | 'damaged'
  | 'ended'

interface Known {
  readonly fault: EngineFault
  readonly pattern: RegExp
  readonly text: string
}

const KNOWN: readonly Known[] = [
  {
    fault: 'address-in-use',
    pattern: /address already in use/,
    text: 'cluster.bind_address is taken by another program',
  },
  {
    fault: 'address-not-ours',
    pattern: /cannot assign requested address/,
    text: 'no interface of this machine has the address of cluster.bind_address',
  },
  {
    fault: 'removed',
    pattern: /permanently removed|member has been removed|the member .* has been removed/i,
    text: 'this node was removed from the cluster; its data is of no more use',
  },
  {
    fault: 'lost-data',
    pattern: /tocommit\(\d+\) is out of range/,
    text: 'the data of this node is older than what it acknowledged: empty cluster.raft.data_dir',
  },
  {
    fault: 'other-cluster',
    pattern: /cluster ID mismatch|member count is unequal|has already been bootstrapped/,
    text: 'the data of this node is of another cluster than its members',
  },
  { fault: 'disk-full', pattern: /no space left on device/, text: 'the disk is full' },
  {
    fault: 'not-permitted',
    pattern: /permission denied/i,
    text: 'cluster.raft.data_dir cannot be written by this user',
  },
  {
    fault: 'damaged',
    pattern: /crc mismatch|file is corrupt|wal: .*corrupt/i,
    text: 'the data in cluster.raft.data_dir is damaged: empty it, and let the node join again',
  },
]

/** What became of an etcd that ended, by the last lines it wrote. */
export function faultOf(lines: readonly string[]): { fault: EngineFault; text: string } {
  const all = lines.join('\n')
  const known = KNOWN.find(({ pattern }) => pattern.test(all))
  if (known !== undefined) return { fault: known.fault, text: known.text }
  return { fault: 'ended', text: 'etcd ended by itself' }
}

/** The part of its lines that says why, for the log: messages and errors without their frames. */
export function lastWords(lines: readonly string[]): string {
  const words = lines.flatMap((line) => {
    const error = /"error":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
    const message = /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
    if (message === undefined) return line.startsWith('{') || line.trim() === '' ? [] : [line]
    return [error === undefined ? message : `${message}: ${error}`]
  })
  return words.slice(-3).join('; ')
}
