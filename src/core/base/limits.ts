/**
 * Every limit of the system: each loop, queue, cache, packet and wait has one, with its reason.
 *
 * `docs/reference/limits.md` is generated from this table. Limits an operator may change name their
 * configuration key; the others are constants of the program.
 */
import { accessLimits } from './limits/access.ts'
import { apiLimits } from './limits/api.ts'
import { apiExchangeLimits } from './limits/api-exchange.ts'
import { configLimits } from './limits/config.ts'
import { dnsLimits } from './limits/dns.ts'
import { dnssecLimits } from './limits/dnssec.ts'
import { dnssecRollLimits } from './limits/dnssec-roll.ts'
import { geoLimits } from './limits/geo.ts'
import { feedLimits } from './limits/feed.ts'
import { gossipLimits } from './limits/gossip.ts'
import { gossipActorLimits } from './limits/gossip-actor.ts'
import { gossipAppLimits } from './limits/gossip-app.ts'
import { healthLimits } from './limits/health.ts'
import { kernelLimits } from './limits/kernel.ts'
import { latencyLimits } from './limits/latency.ts'
import { latencyPolicyLimits } from './limits/latency-policy.ts'
import { peersLimits } from './limits/peers.ts'
import { proberLimits } from './limits/prober.ts'
import { replayLimits } from './limits/replay.ts'
import { steerLimits } from './limits/steer.ts'
import { vitalsLimits } from './limits/vitals.ts'
import { zoneLimits } from './limits/zone.ts'

export const limits = {
  ...kernelLimits,
  ...configLimits,
  ...dnsLimits,
  ...zoneLimits,
  ...dnssecLimits,
  ...dnssecRollLimits,
  ...steerLimits,
  ...healthLimits,
  ...proberLimits,
  ...geoLimits,
  ...gossipLimits,
  ...apiLimits,
  ...accessLimits,
  ...feedLimits,
  ...apiExchangeLimits,
  ...peersLimits,
  ...replayLimits,
  ...latencyPolicyLimits,
  ...gossipAppLimits,
  ...vitalsLimits,
  ...gossipActorLimits,
  ...latencyLimits,
}
