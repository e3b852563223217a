/** The texts of configuration the demo runs on: one overwatch, agents, one resolver. */

/** Addresses of the demo, all of loopback, one for each machine it stands for. */
export const addresses = {
  overwatch: '127.20.0.10',
  resolver: '127.20.0.11',
  backends: ['127.20.0.21', '127.20.0.22', '127.20.0.23'],
} as const

export const ZONE = 'demo.test'
export const NAME = `web.${ZONE}`
export const TTL_SECONDS = 1
/** What checks of agents and of the overwatch need to call a backend down. */
export const INTERVAL_SECONDS = 1
export const FAILURES = 2

const TOKEN = 'demo-token-of-no-value'

export interface Ports {
  readonly dns: number
  readonly api: number
  readonly gossip: number
  readonly metrics: number
}

export const overwatchYaml = (folder: string, ports: Ports, key: string): string => `
dns:
  listen_address: "${addresses.overwatch}:${ports.dns}"
  zones: [${ZONE}]
  default_ttl: ${TTL_SECONDS}
  default_routing_algorithm: weighted
  threads: 1
  rate_limit: { enabled: false }
overwatch:
  identity: { node_id: demo-1, region: demo }
  agent_tokens: { web: "${TOKEN}" }
  gossip:
    bind_address: "${addresses.overwatch}:${ports.gossip}"
    encryption_key: "${key}"
    allowed_backends: [127.0.0.0/8]
  validation:
    check_interval: ${INTERVAL_SECONDS}s
    check_timeout: 900ms
    # Of its own, so that agents can tell its checks from clients on the same machine.
    source_addresses: [${addresses.overwatch}]
  data_dir: "${folder}/data"
api: { enabled: true, address: "${addresses.overwatch}:${ports.api}" }
logging: { level: info, format: text }
`

export interface AgentPlan {
  readonly address: string
  /** Of the application. */
  readonly port: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly folder: string
  /** Folder of the made cgroup the agent reads its processor load from. */
  readonly cgroup: string
}

export const agentYaml = (
  plan: AgentPlan,
  gossipPort: number,
  key: string,
  checkPath: string,
): string => `
mode: agent
agent:
  identity:
    service_token: "${TOKEN}"
    region: demo
    cert_path: "${plan.folder}/agent.crt"
    key_path: "${plan.folder}/agent.key"
  backends:
    - service: web
      address: ${plan.address}
      port: ${plan.port}
      health_check:
        type: http
        path: ${checkPath}
        interval: ${INTERVAL_SECONDS}s
        timeout: 900ms
        failure_threshold: ${FAILURES}
        success_threshold: 1
  drain_file: "${plan.folder}/drain"
  gossip:
    encryption_key: "${key}"
    overwatch_nodes: ["${addresses.overwatch}:${gossipPort}"]
    bind_address: "${plan.address}:0"
  heartbeat: { interval: 2s }
  predictive:
    enabled: true
    check_interval: 1s
    cgroup: "${plan.cgroup}"
    cpu: { threshold: 80, window: 2s, bleed_duration: 3s }
    # The demo kills backends, and looks at the processor alone.
    error_rate: { threshold: 100 }
api: { enabled: true, address: "${plan.address}:${plan.apiPort}" }
metrics: { enabled: true, address: "${plan.address}:${plan.metricsPort}" }
logging: { level: info, format: text }
`

export const unboundConf = (folder: string, port: number, dnsPort: number): string => `
server:
  interface: ${addresses.resolver}
  port: ${port}
  access-control: 127.0.0.0/8 allow
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  domain-insecure: "test"
  local-zone: "test." transparent
forward-zone:
  name: "${ZONE}."
  forward-addr: ${addresses.overwatch}@${dnsPort}
remote-control:
  control-enable: no
`
