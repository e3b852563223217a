/**
 * One backend: every layer that speaks on its health and the one that decided, what its agent
 * says, what was ordered, and the orders that can be given.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import {
  proposeCheck,
  proposeClear,
  proposeDrain,
  proposeOverride,
  proposeUndrain,
} from '../actions.ts'
import { ago, dateAndTime, millis, NOTHING, percent, rate } from '../format.ts'
import { icon } from '../parts/icons.ts'
import { type Fact, factList, Panel, quiet, readNote } from '../parts/panel.ts'
import { badge, statusBadge } from '../parts/status.ts'
import { linkTo } from '../route.ts'
import { type BackendTold, type DrainTold, keyOf, type LayerTold } from '../shapes.ts'
import { useNow, useShared } from '../state.ts'
import { causeText } from './backends.ts'
import { drainCard } from './drains.ts'

const back = (): VNode =>
  h('p', { class: 'back' }, h('a', { href: linkTo('backends') }, icon('back'), 'All backends'))

export function BackendPage({ name }: { readonly name: string }): VNode {
  const { all, backends, drains } = useShared()
  const nowMs = useNow()
  const backend = all.find((one) => keyOf(one) === name)
  if (backend === undefined)
    return h(
      'div',
      { class: 'view' },
      back(),
      h(
        Panel,
        { title: name },
        readNote(backends) ?? quiet('There is no such backend, or no longer.'),
      ),
    )
  const drain = drains.find(({ id }) => id !== undefined && id === backend.drain_id)
  return h(
    'div',
    { class: 'view' },
    back(),
    h(
      Panel,
      { title: `${backend.address}:${backend.port}`, aside: statusBadge(backend.effective_status) },
      readNote(backends),
      factList(stateFacts(backend, nowMs)),
      actionsOf(backend),
    ),
    h(
      'div',
      { class: 'columns' },
      h(Panel, { title: 'Who decided' }, layersOf(backend)),
      h(
        'div',
        { class: 'stack' },
        orderPanels(backend, drain, nowMs),
        h(Panel, { title: 'Checks' }, factList(checkFacts(backend, nowMs))),
        backend.agent_id === undefined || backend.agent_id === ''
          ? null
          : h(Panel, { title: 'Agent' }, factList(agentFacts(backend, nowMs))),
      ),
    ),
  )
}

const stateFacts = (one: BackendTold, nowMs: number): Fact[] => [
  ['Service', h('code', null, one.service)],
  ['Region', one.region],
  ['In service', one.serving === true ? 'yes' : 'no'],
  ['Decided by', causeText(one.cause)],
  ['Since', h('time', { title: dateAndTime(one.since) }, ago(one.since, nowMs))],
  ['Weight', rate(one.weight)],
  ['Share of its weight', one.share === undefined ? undefined : percent(one.share * 100)],
  ['Known from', one.source],
  ['State', one.restored === true ? 'from before the restart, not yet confirmed' : undefined],
]

const actionsOf = (backend: BackendTold): VNode => {
  const { override_status: forced, drain_id: drain } = backend
  const button = (text: string, onClick: () => void, more = '') =>
    h('button', { type: 'button', class: more, onClick }, text)
  return h(
    'div',
    { class: 'buttons left', role: 'group', 'aria-label': 'Actions' },
    drain === undefined
      ? button('Drain', () => proposeDrain(backend))
      : button('End drain', () => proposeUndrain({ id: drain, backend: keyOf(backend) })),
    button('Force unhealthy', () => proposeOverride(backend, false)),
    button('Force healthy', () => proposeOverride(backend, true)),
    forced === undefined ? null : button('Clear override', () => proposeClear(backend)),
    button('Check now', () => proposeCheck(backend)),
  )
}

const LAYERS: Readonly<Record<string, string>> = {
  override: 'Operator override',
  drain: 'Declared drain',
  silence: 'Silence of the agent',
  validation: 'Health checks',
  agent: 'Claim of the agent',
  age: 'Age of what is known',
}

/** Highest first, as they are asked; the first that says something decides. */
function layersOf({ layers = [] }: BackendTold): VNode {
  if (layers.length === 0) return quiet('This server does not tell the layers.')
  return h('ol', { class: 'layers' }, layers.map(layerItem))
}

const layerItem = ({ layer = '', says, because, decided }: LayerTold): VNode =>
  h(
    'li',
    { key: layer, class: decided === true ? 'decided' : '' },
    h(
      'div',
      { class: 'layer-head' },
      h('strong', null, LAYERS[layer] ?? layer),
      says === undefined ? h('span', { class: 'muted' }, 'says nothing') : statusBadge(says),
      decided === true ? badge('note', 'arrow', 'decided') : null,
    ),
    h('p', null, because),
  )

function orderPanels(one: BackendTold, drain: DrainTold | undefined, nowMs: number): VNode[] {
  const panels: VNode[] = []
  if (one.override_status !== undefined)
    panels.push(
      h(
        Panel,
        { key: 'override', title: 'Override' },
        factList([
          ['Forced', one.override_status ? 'healthy' : 'unhealthy'],
          ['Reason', one.override_reason || NOTHING],
          ['By', one.override_by],
          ['Since', ago(one.override_at, nowMs)],
          ['Ends', endOf(one.override_expires_at, nowMs)],
        ]),
      ),
    )
  if (drain !== undefined)
    panels.push(h(Panel, { key: 'drain', title: 'Drain' }, drainCard(drain, nowMs)))
  else if (one.draining_reason !== undefined)
    panels.push(
      h(
        Panel,
        { key: 'drain', title: 'Drain' },
        factList([
          ['Reason', one.draining_reason],
          ['Since', ago(one.draining_at, nowMs)],
          ['Ends', endOf(one.drain_expires_at, nowMs)],
        ]),
      ),
    )
  return panels
}

export const endOf = (at: string | undefined, nowMs: number): string =>
  at === undefined ? 'when it is lifted' : ago(at, nowMs)

const checkFacts = (one: BackendTold, nowMs: number): Fact[] => [
  [
    'Verdict',
    one.validation_healthy === undefined ? 'none yet' : one.validation_healthy ? 'passes' : 'fails',
  ],
  ['Last check', ago(one.validation_last_check, nowMs)],
  ['Took', one.latency_ms === undefined ? undefined : millis(one.latency_ms)],
  ['Last error', one.validation_error],
  [
    'Other overwatches',
    one.peers_up === undefined || one.peers_up + (one.peers_down ?? 0) === 0
      ? undefined
      : `${one.peers_up} call it up, ${one.peers_down ?? 0} down`,
  ],
]

const agentFacts = (one: BackendTold, nowMs: number): Fact[] => [
  ['Name', h('code', null, one.agent_id)],
  ['Claims', one.agent_healthy === true ? 'healthy' : 'unhealthy'],
  ['Because', one.agent_reason],
  ['Heard', `${ago(one.agent_last_seen, nowMs)}${one.agent_silent === true ? ', silent' : ''}`],
  ['Processor', one.cpu_percent === undefined ? undefined : percent(one.cpu_percent)],
  ['Memory', one.mem_percent === undefined ? undefined : percent(one.mem_percent)],
  ['Failed requests', one.error_rate === undefined ? undefined : percent(one.error_rate)],
  ['Prediction', one.predictive_signal === 'none' ? undefined : one.predictive_signal],
]
