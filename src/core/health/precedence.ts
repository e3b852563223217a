/**
 * Who wins when several voices speak about one server.
 *
 * Operator override, then declared drain, then the verdict of checks with thresholds, then the
 * agent's own claim, then the age of that claim. A server nobody has spoken about is UNKNOWN and is
 * not served: there is no "healthy until shown otherwise". Loss of an agent's voice does not by
 * itself outrank a check that still passes, unless `stale.on_silence: withdraw` says so.
 */
import type { Cause, Status } from '../steer/words.ts'
import type { Verdict } from './fold.ts'

/**
 * What the overwatch's own check may do to an agent's word.
 *
 * `strict`: it outranks the agent both ways, once it has answered a claim of ill health that is
 * newer than it. `balanced`: the same, and a newer claim of health stands too until a check answers
 * it. `permissive`: the agent is believed while it is heard.
 */
export type VetoMode = 'strict' | 'balanced' | 'permissive'

export interface AgentWord {
  readonly healthy?: boolean | undefined
  readonly silent: boolean
  /** Its check asks for more than ours, so that ours does not answer what it found. */
  readonly asksMore?: boolean
}

export interface Voices {
  readonly override?: { readonly healthy: boolean } | undefined
  /** Its owner or an operator declared that it is going out of service. */
  readonly draining?: boolean
  readonly verdict: Verdict
  /** The verdict comes from disk and no check of this process has confirmed it yet. */
  readonly restored: boolean
  /** The agent has claimed otherwise since the last check, which is being repeated. */
  readonly doubted?: boolean | undefined
  /** `silent`: not heard of for longer than `stale.threshold`. */
  readonly agent?: AgentWord | undefined
  /** Verdicts of other overwatches that are alive. */
  readonly peers?: { readonly up: number; readonly down: number } | undefined
  readonly vetoMode?: VetoMode
  /** Overwatches that must call it down before it is; 0 or 1: our own verdict decides. */
  readonly quorum?: number
  /** A silent agent's server goes out although checks pass. */
  readonly withdrawSilent?: boolean
}

export interface Judgement {
  readonly status: Status
  /** The rule that decided. */
  readonly cause: Cause
  readonly serving: boolean
}

export type LayerName = 'override' | 'drain' | 'silence' | 'validation' | 'agent' | 'age'

/** What one layer says; `status` is absent when it says nothing. */
export interface Layer {
  readonly layer: LayerName
  readonly status?: Status
  readonly cause: Cause
  readonly because: string
}

const word = (healthy: boolean): Status => (healthy ? 'healthy' : 'unhealthy')

/** What checks say: our own, those of the other overwatches, or a quorum of both. */
export function validationOf(voices: Voices): { verdict: Verdict; because: string } {
  const { verdict, doubted, quorum = 0, peers = { up: 0, down: 0 } } = voices
  const own = doubted === true ? 'unknown' : verdict
  if (quorum > 1) {
    const down = peers.down + (own === 'down' ? 1 : 0)
    const up = peers.up + (own === 'up' ? 1 : 0)
    const because = `${down} of ${up + down} overwatches call it down, ${quorum} are needed`
    if (up + down === 0) return { verdict: 'unknown', because: 'no overwatch has a verdict' }
    return { verdict: down >= Math.min(quorum, up + down) ? 'down' : 'up', because }
  }
  if (own !== 'unknown') return { verdict: own, because: `checks of this node call it ${own}` }
  if (doubted === true) return { verdict: 'unknown', because: 'checked anew after the claim' }
  if (peers.up + peers.down === 0) return { verdict: 'unknown', because: 'not checked yet' }
  const said = peers.down > peers.up ? 'down' : 'up'
  return { verdict: said, because: `other overwatches call it ${said}` }
}

function validationLayer(voices: Voices): Layer {
  const { verdict, because } = validationOf(voices)
  const cause = voices.restored || voices.verdict === 'unknown' ? 'restored' : 'validation'
  const layer = { layer: 'validation', cause, because } as const
  if (verdict === 'unknown') return layer
  const { agent, vetoMode } = voices
  if (vetoMode === 'permissive' && agent?.silent === false && agent.healthy !== undefined) {
    return { ...layer, because: `${because}, but an agent that is heard is believed` }
  }
  const isAnswered = verdict === 'down' || agent?.healthy !== false
  if (agent?.asksMore === true && !agent.silent && !isAnswered)
    return { ...layer, because: `${because}, but the check of its agent asks for more` }
  return { ...layer, status: word(verdict === 'up') }
}

function agentLayer({ agent }: Voices): Layer {
  const layer = { layer: 'agent', cause: 'agent' } as const
  if (agent === undefined) return { ...layer, because: 'no agent speaks for it' }
  if (agent.silent) return { ...layer, because: 'its agent is silent' }
  if (agent.healthy === undefined) return { ...layer, because: 'its agent has no verdict yet' }
  const status = word(agent.healthy)
  return { ...layer, status, because: `its agent calls it ${status}` }
}

function silenceLayer({ agent, withdrawSilent }: Voices): Layer {
  const layer = { layer: 'silence', cause: 'age' } as const
  if (agent?.silent !== true) return { ...layer, because: 'no agent of it is silent' }
  if (withdrawSilent !== true) return { ...layer, because: 'its agent is silent; checks decide' }
  return { ...layer, status: 'stale', because: 'its agent is silent (stale.on_silence: withdraw)' }
}

function ageLayer({ agent }: Voices): Layer {
  const layer = { layer: 'age', cause: 'age' } as const
  if (agent?.silent !== true) return { ...layer, because: 'nothing is out of date' }
  return { ...layer, status: 'stale', because: 'its agent is silent and no check vouches for it' }
}

function overrideLayer({ override }: Voices): Layer {
  const layer = { layer: 'override', cause: 'override' } as const
  if (override === undefined) return { ...layer, because: 'no override' }
  const status = word(override.healthy)
  return { ...layer, status, because: `an operator forces it ${status}` }
}

function drainLayer({ draining }: Voices): Layer {
  const layer = { layer: 'drain', cause: 'drain' } as const
  if (draining !== true) return { ...layer, because: 'no drain' }
  return { ...layer, status: 'draining', because: 'a drain is declared' }
}

/** Highest first. */
const LAYERS = [
  overrideLayer,
  drainLayer,
  silenceLayer,
  validationLayer,
  agentLayer,
  ageLayer,
] as const

/** What every layer says, highest first; the first with a status decides. */
export const layersOf = (voices: Voices): readonly Layer[] => LAYERS.map((say) => say(voices))

const NOBODY: Judgement = { status: 'unknown', cause: 'none', serving: false }

/** The one decision on whether a server may serve. Pure. */
export function judge(voices: Voices): Judgement {
  for (const say of LAYERS) {
    const { status, cause } = say(voices)
    if (status !== undefined) return { status, cause, serving: status === 'healthy' }
  }
  return NOBODY
}
