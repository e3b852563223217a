/**
 * The prober's real world: checks over the sockets of this machine.
 */
import { isIP } from 'node:net'
import { createSecureContext, rootCertificates } from 'node:tls'
import { CheckMarks } from '../../core/health/clients-marks.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { ProberConfig, ProberPorts } from './contract.ts'
import { probeHttp } from './ports-http.ts'
import { probeTcp } from './ports-tcp.ts'

export function openPorts(
  config: Pick<ProberConfig, 'trustedAuthorities' | 'checkMarks' | 'sourceAddresses'>,
): ProberPorts {
  const further = config.trustedAuthorities ?? []
  // One context for all checks: each would otherwise cost more than the handshake it serves.
  const trust = createSecureContext(
    further.length === 0 ? {} : { ca: [...rootCertificates, ...further] },
  )
  const { checkMarks } = config
  const marks = checkMarks === undefined ? undefined : new CheckMarks(checkMarks)
  const connected = (localPort = 0) => marks?.mark(localPort, Date.now())
  const sources = new Map((config.sourceAddresses ?? []).map((text) => [isIP(text), text]))
  const endOf = ({ address, port, family }: MemberSpec) => {
    const localAddress = sources.get(family)
    return { host: address, port, ...(localAddress === undefined ? {} : { localAddress }) }
  }
  const world = { trust, connected, endOf }
  return {
    probe: (member, signal) =>
      member.check.type === 'tcp'
        ? probeTcp(member, world, signal)
        : probeHttp(member, world, signal),
  }
}
