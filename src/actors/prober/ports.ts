/**
 * The prober's real world: checks over the sockets of this machine.
 */
import { createSecureContext, rootCertificates } from 'node:tls'
import { CheckMarks } from '../../core/health/clients-marks.ts'
import type { ProberConfig, ProberPorts } from './contract.ts'
import { probeHttp } from './ports-http.ts'
import { probeTcp } from './ports-tcp.ts'

export function openPorts(
  config: Pick<ProberConfig, 'trustedAuthorities' | 'checkMarks'>,
): ProberPorts {
  const further = config.trustedAuthorities ?? []
  // One context for all checks: each would otherwise cost more than the handshake it serves.
  const trust = createSecureContext(
    further.length === 0 ? {} : { ca: [...rootCertificates, ...further] },
  )
  const { checkMarks } = config
  const marks = checkMarks === undefined ? undefined : new CheckMarks(checkMarks)
  const connected = (localPort = 0) => marks?.mark(localPort, Date.now())
  return {
    probe: (member, signal) =>
      member.check.type === 'tcp'
        ? probeTcp(member, connected, signal)
        : probeHttp(member, { trust, connected }, signal),
  }
}
