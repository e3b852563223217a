/** Limits of the DNS path: packets, names, connections. */
import { type Limit, limit } from '../limit.ts'

export const dnsLimits = {
  udpPayloadBytes: limit(
    1_232,
    [512, 4_096],
    'bytes',
    'the largest answer that IPv6 carries unfragmented over every usual path (DNS flag day 2020)',
    'dns.udp_payload_size',
  ),
  tcpMessageBytes: limit(65_535, [65_535, 65_535], 'bytes', 'the length prefix has 16 bits'),
  queryRecords: limit(
    16,
    [2, 64],
    'records',
    'a query carries OPT, perhaps TSIG and one SOA; more is an attempt to keep the parser busy',
  ),
  ednsOptions: limit(
    32,
    [4, 64],
    'options',
    'seven options are in use; more is an attempt to keep the parser busy',
  ),
  aliasChain: limit(
    16,
    [1, 32],
    'aliases',
    'CNAME and DNAME steps inside one answer; longer chains are followed by the resolver',
  ),
  additionalTargets: limit(
    32,
    [0, 128],
    'names',
    'targets of one rrset whose addresses are added; 13 name servers are the usual most',
  ),
  nsidBytes: limit(
    128,
    [0, 128],
    'bytes',
    'an NSID leaves room for the answer in 512 bytes',
    'dns.nsid',
  ),
  versionBytes: limit(
    255,
    [0, 255],
    'bytes',
    'version.bind is one character string of TXT',
    'dns.version_string',
  ),
  anyTtlSeconds: limit(
    3_600,
    [0, 604_800],
    'seconds',
    'the synthesised HINFO says nothing that changes; RFC 8482 leaves the value to the server',
  ),
  tcpConnections: limit(
    1_024,
    [1, 65_535],
    'connections',
    'each holds a descriptor and up to one message; the oldest idle one gives way',
    'dns.tcp.max_connections',
  ),
  tcpConnectionsPerClient: limit(
    64,
    [1, 65_535],
    'connections',
    'one address must not take every connection',
    'dns.tcp.max_connections_per_client',
  ),
  tcpIdleTimeoutMs: limit(
    10_000,
    [100, 3_600_000],
    'ms',
    'RFC 7766 section 6.2.3 asks for a few seconds at least',
    'dns.tcp.idle_timeout',
  ),
  tcpPipelined: limit(
    128,
    [1, 65_535],
    'queries',
    'answers of one connection not yet taken by the kernel before reading pauses',
    'dns.tcp.max_pipelined',
  ),
  tcpUnsentBytes: limit(
    262_144,
    [65_537, 16_777_216],
    'bytes',
    'a slow reader holds at most this much of ours before reading from it pauses',
  ),
  udpUnsentBytes: limit(
    4_194_304,
    [65_536, 67_108_864],
    'bytes',
    'answers waiting for the socket; past it they are dropped, as a full socket would',
  ),
  udpReceiveBufferBytes: limit(
    4_194_304,
    [65_536, 67_108_864],
    'bytes',
    'asked of the kernel; smaller ones lost 0.01-0.2 % of 150,000 queries a second',
  ),
  durationSampling: limit(
    64,
    [1, 65_536],
    'queries',
    'one query in so many is timed, so that timing costs the others nothing',
  ),
} as const satisfies Record<string, Limit>
