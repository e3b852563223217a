/**
 * What an agent says of itself and its backends, as the overwatch and the agent both hold it.
 *
 * A report is the whole truth of one agent at one moment: a later one (same `boot`, higher `seq`,
 * or a later boot) replaces it altogether, so losing one loses nothing that the next does not
 * bring. How it travels is in core/gossip/app; who believes it is decided there too.
 */

/** How an agent checks a backend, so that an overwatch can check it in the same way. */
export interface ReportedCheck {
  readonly type: 'http' | 'https' | 'tcp'
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly path: string
  readonly host: string
  readonly failureThreshold: number
  readonly successThreshold: number
  /** Ranges of statuses that count as healthy; absent: 200-299. */
  readonly expectedStatus?: readonly (readonly [number, number])[]
  /** Text that the body must hold, never a pattern; absent: any body. */
  readonly bodyMatch?: string
  /** Name that TLS asks for; absent: the host. */
  readonly serverName?: string
  /** Absent: true. */
  readonly verifyCertificate?: boolean
  /** The agent asks for what cannot be said here: a check that passes says less than its own. */
  readonly asksMore?: boolean
}

/** Clients of a backend, as the kernel's socket table shows them. */
export interface ConnectionsSeen {
  /** When the table was read last, Unix milliseconds. */
  readonly atMs: number
  /** Established connections of clients now. */
  readonly remaining: number
  /** Connections that arrived since the drain began. */
  readonly arrived: number
  /** Since when no connection has arrived, Unix milliseconds. */
  readonly quietSinceMs: number
  /** Networks (CIDR, at most 16, busiest first) of the clients that came last or remain. */
  readonly networks: readonly { readonly network: string; readonly connections: number }[]
  /**
   * Whether the kernel tells of every connection that ends, so that one which comes and goes
   * between two readings is counted too. Without it quiet needs to last longer to be believed.
   */
  readonly endsHeard?: boolean
  /**
   * Up to when every end is known, Unix milliseconds: a kernel without time tells of them late, and
   * a client that came since may be unknown. Absent: up to `atMs`.
   */
  readonly heardMs?: number
}

/** Going out of service, by someone's declaration. It outranks checks and claims. */
export interface Drain {
  /** Stable while the drain lasts; unique over agents and overwatches. */
  readonly id: string
  readonly reason: string
  readonly by: 'file' | 'api' | 'signal' | 'shutdown' | 'overwatch'
  readonly sinceMs: number
  /** When it ends by itself; absent means when it is lifted. */
  readonly untilMs?: number
}

export interface ReportedBackend {
  readonly service: string
  /** Canonical text of the address that answers shall hold. */
  readonly address: string
  readonly port: number
  /** 0-1000; 0 takes no traffic. */
  readonly weight: number
  /** Absent before the agent's first verdict. */
  readonly healthy?: boolean
  /** Why it is unhealthy, in words; empty when it is not. */
  readonly reason: string
  readonly check?: ReportedCheck
  readonly drain?: Drain
  /** Present while it drains and the agent can read the socket table. */
  readonly connections?: ConnectionsSeen
}

/** `bleed`: the share falls; `drain`: it reached zero; `recovered`: it rises again. */
export type PredictiveSignal = 'none' | 'bleed' | 'drain' | 'recovered'

/** What the agent measures of its machine or container. Percentages are 0-100. */
export interface Vitals {
  readonly atMs: number
  readonly cpuPercent?: number
  readonly memoryPercent?: number
  readonly errorPercent?: number
  readonly signal: PredictiveSignal
  /** `cpu_`, `memory_` or `error_rate_threshold_exceeded`; empty when nothing is wrong. */
  readonly reason: string
  /** Since when `signal` is what it is, Unix milliseconds. */
  readonly sinceMs: number
  /** Thousandths of its weight that each backend of the agent shall take, 0-1000. */
  readonly share: number
}

export interface AgentReport {
  readonly agentId: string
  readonly region: string
  /** Start of the agent process, Unix milliseconds: a later boot outranks an earlier one. */
  readonly boot: number
  /** Grows with every change of the content within a boot; a heartbeat alone does not raise it. */
  readonly seq: number
  readonly atMs: number
  readonly backends: readonly ReportedBackend[]
  readonly vitals?: Vitals
}
