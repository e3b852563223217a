/**
 * The prober's real world: checks over the sockets of this machine.
 */
import { createSecureContext, rootCertificates } from 'node:tls'
import type { ProberConfig, ProberPorts } from './contract.ts'
import { probeHttp } from './ports-http.ts'
import { probeTcp } from './ports-tcp.ts'

export function openPorts(config: Pick<ProberConfig, 'trustedAuthorities'>): ProberPorts {
  const further = config.trustedAuthorities ?? []
  // One context for all checks: each would otherwise cost more than the handshake it serves.
  const trust = createSecureContext(
    further.length === 0 ? {} : { ca: [...rootCertificates, ...further] },
  )
  return {
    probe: (member, signal) =>
      member.check.type === 'tcp' ? probeTcp(member, signal) : probeHttp(member, trust, signal),
  }
}
