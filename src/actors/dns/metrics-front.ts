/**
 * What the sockets of a DNS thread count, handed on to the metrics: the growth since the last time.
 */
import type { Counter, Gauge, Metrics } from '../../kernel/metrics.ts'
import type { FrontCounts } from './contract.ts'

export class FrontMeters {
  readonly #connections: Gauge
  readonly #dropped: Counter
  readonly #shed: Counter
  readonly #kernelDrops: Counter
  readonly #front: Gauge
  #told: FrontCounts = {
    tcpConnections: 0,
    repliesDropped: 0,
    connectionsShed: 0,
    kernelDrops: 0,
  }

  constructor(metrics: Metrics) {
    this.#connections = metrics.gauge({
      name: 'opengslb_dns_tcp_connections',
      help: 'Open TCP connections.',
    })
    this.#dropped = metrics.counter({
      name: 'opengslb_dns_replies_dropped_total',
      help: 'Replies not sent because the socket was full.',
    })
    this.#shed = metrics.counter({
      name: 'opengslb_dns_tcp_connections_shed_total',
      help: 'TCP connections refused or closed because a cap was reached.',
    })
    this.#kernelDrops = metrics.counter({
      name: 'opengslb_dns_kernel_drops_total',
      help: 'Queries the kernel dropped because nobody read them in time; native front only.',
    })
    this.#front = metrics.gauge({
      name: 'opengslb_dns_front_info',
      help: '1 for the socket path in use: native or dgram.',
      labels: ['front'],
      merge: 'max',
    })
  }

  /** Says which path UDP queries take. */
  tell(front: string): void {
    this.#front.set(1, { front })
  }

  drain(front: FrontCounts): void {
    this.#connections.set(front.tcpConnections)
    this.#dropped.add(front.repliesDropped - this.#told.repliesDropped)
    this.#shed.add(front.connectionsShed - this.#told.connectionsShed)
    this.#kernelDrops.add(front.kernelDrops - this.#told.kernelDrops)
    this.#told = front
  }
}
