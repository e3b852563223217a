/**
 * The tcp check: a connection that is accepted passes, and is closed at once.
 */
import { connect } from 'node:net'
import type { Outcome } from '../../core/health/outcome.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import { attempt, type CheckWorld } from './ports-attempt.ts'
import { faultOf } from './ports-faults.ts'

export function probeTcp(
  member: MemberSpec,
  { connected, endOf }: CheckWorld,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { port, check } = member
  return attempt(check.timeoutMs, signal, ({ end }) => {
    const socket = connect(endOf(member))
    socket.once('connect', () => {
      connected(socket.localPort)
      // Two ends on one machine can pick the same port and so connect to themselves (RFC 9293
      // section 3.5, simultaneous open); nobody listens there.
      const own = socket.localPort === port && socket.localAddress === socket.remoteAddress
      end(own ? { error: 'refused' } : undefined)
    })
    socket.on('error', (error) => end(faultOf(error, false)))
    return () => socket.destroy()
  })
}
