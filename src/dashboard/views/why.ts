/**
 * Why a client gets the answer it gets: a question, the decision, and every candidate with the
 * reason for or against it, from the very function that answers queries.
 */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { h } from '../h.ts'
import { ask } from '../ask.ts'
import { dateAndTime, NOTHING, plural, words } from '../format.ts'
import { isOffered, useLive, useOffered } from '../live.ts'
import { Field } from '../parts/dialog.ts'
import { icon, type IconName } from '../parts/icons.ts'
import { type Fact, factList, Panel } from '../parts/panel.ts'
import { badge, statusBadge, type Tone } from '../parts/status.ts'
import { type Column, dataTable } from '../parts/table.ts'
import { linkTo, type Place } from '../route.ts'
import { type CandidateTold, type DecisionTold, factsOf, objectIn } from '../shapes.ts'
import { useShared } from '../state.ts'

const TEST = '/api/v1/routing/test'
const EXPLAIN = '/api/v1/explain'
const TYPES = ['A', 'AAAA'] as const

interface Question {
  readonly name: string
  readonly client: string
  readonly type: string
  /** RFC 3339; empty for now. */
  readonly at: string
}

interface Told {
  readonly question: Question
  readonly fault?: string
  readonly decision?: DecisionTold
}

/** Explain where there is one: it can also tell of the past, and shows its own proof. */
async function find(question: Question): Promise<Told> {
  const { name, client, type, at } = question
  if (isOffered(EXPLAIN)) {
    const query = new URLSearchParams({ name, client, type, ...(at === '' ? {} : { at }) })
    const answer = await ask('GET', `${EXPLAIN}?${query}`)
    if (!answer.ok) return { question, fault: answer.message }
    return { question, decision: factsOf(answer.value) as DecisionTold }
  }
  const body = { domain: name, client_ip: client, query_type: type }
  const answer = await ask('POST', TEST, body)
  if (!answer.ok) return { question, fault: answer.message }
  return { question, decision: objectIn<DecisionTold>(answer.value, 'result') }
}

/** What a `datetime-local` field holds is local time without a zone. */
function momentText(local: string): string {
  const moment = Date.parse(local)
  return Number.isNaN(moment) ? '' : new Date(moment).toISOString()
}

export function Why({ place }: { readonly place: Place }): VNode {
  const { all } = useShared()
  const domains = useLive('/api/v1/domains').value
  const [told, setTold] = useState<Told | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const hasPast = useOffered(EXPLAIN)
  const names = [...new Set([...namesIn(domains), ...all.map(({ service }) => service ?? '')])]
  const submit = async (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const field = (name: string) => String(form.get(name) ?? '').trim()
    setBusy(true)
    const at = momentText(field('at'))
    const [name, client, type] = [field('name'), field('client'), field('type')]
    setTold(await find({ name, client, type, at }))
    setBusy(false)
  }
  const first = place.query.get('name') ?? names[0] ?? ''
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      { title: 'Why this answer' },
      h('form', { class: 'question', onSubmit: submit }, fields(names, first, hasPast, busy)),
    ),
    told === undefined ? null : h('div', { class: 'stack', 'aria-live': 'polite' }, shown(told)),
  )
}

const namesIn = (value: unknown): string[] => {
  const list = factsOf(value)['domains']
  return Array.isArray(list) ? list.map((one) => String(factsOf(one)['name'] ?? '')) : []
}

const fields = (
  names: readonly string[],
  first: string,
  hasPast: boolean,
  busy: boolean,
): (VNode | null)[] => [
  h(Field, {
    key: 'client',
    label: 'Client address or network',
    control: (props) =>
      h('input', { ...props, name: 'client', defaultValue: '127.0.0.1', required: true }),
  }),
  h(Field, {
    key: `name ${first}`,
    label: 'Name',
    control: (props) => [
      h('input', { ...props, name: 'name', list: 'names', defaultValue: first, required: true }),
      h(
        'datalist',
        { id: 'names' },
        names.filter((name) => name !== '').map((name) => h('option', { key: name, value: name })),
      ),
    ],
  }),
  h(Field, {
    key: 'type',
    label: 'Type',
    control: (props) =>
      h(
        'select',
        { ...props, name: 'type' },
        TYPES.map((type) => h('option', { key: type, value: type }, type)),
      ),
  }),
  hasPast
    ? h(Field, {
        key: 'at',
        label: 'At (empty: now)',
        control: (props) => h('input', { ...props, name: 'at', type: 'datetime-local', step: 1 }),
      })
    : null,
  h('button', { key: 'go', type: 'submit', class: 'primary', disabled: busy }, 'Explain'),
]

const DECISIONS: Readonly<Record<string, readonly [Tone, IconName, string]>> = {
  selected: ['good', 'check', 'A backend is selected.'],
  answer: ['good', 'check', 'A backend is selected.'],
  'not-steered': ['good', 'check', 'The zone answers; no policy is asked.'],
  nodata: ['warn', 'warning', 'No backend has an address of this type.'],
  no_address_of_this_family: ['warn', 'warning', 'No backend has an address of this type.'],
  'all-down': ['bad', 'cross', 'No backend may serve.'],
  no_healthy_backend: ['bad', 'cross', 'No healthy backend; the rule for that decides.'],
}

function shown({ question, fault, decision }: Told): VNode[] {
  if (fault !== undefined || decision === undefined)
    return [h('p', { key: 'fault', class: 'quiet fault' }, icon('warning'), `${fault ?? ''}.`)]
  const { candidates = [] } = decision
  const title = `${question.name} ${question.type} for ${question.client}`
  return [
    h(
      Panel,
      { key: 'decision', title },
      verdictLine(decision),
      factList(decisionFacts(decision)),
      wireText(decision.wire?.text ?? []),
    ),
    h(
      Panel,
      { key: 'candidates', title: plural(candidates.length, 'candidate') },
      dataTable({
        caption: 'Candidates',
        columns: CANDIDATES,
        rows: [...candidates].sort((one, other) => (one.rank ?? 1e9) - (other.rank ?? 1e9)),
        keyOf: ({ id }) => id ?? '',
        empty: 'Nobody could be chosen.',
      }),
    ),
  ]
}

function verdictLine({ decision, outcome = decision ?? '', when_all_down: rule }: DecisionTold) {
  // The rule for an outage may answer all the same, and that is not as it should be.
  const key = rule === undefined || outcome !== 'answer' ? outcome : 'all-down'
  const [tone, name, text] = DECISIONS[key] ?? ['mute', 'note', words(outcome)]
  return h('p', { class: 'verdict' }, badge(tone, name, words(outcome)), text)
}

const wireText = (lines: readonly string[]): VNode | null =>
  lines.length === 0
    ? null
    : h(
        'details',
        null,
        h('summary', null, 'The answer on the wire'),
        h('pre', { tabIndex: 0 }, lines.join('\n')),
      )

const SOURCES: Readonly<Record<string, string>> = {
  recorded: 'an answer that was sent',
  asked: 'what would be answered now',
  past: 'what would have been answered',
}

const decisionFacts = (one: DecisionTold): Fact[] => [
  ['Answer', h('code', null, one.answers?.join(', ') || 'none')],
  ['Policy', one.algorithm ?? one.policy],
  ['When all are down', one.when_all_down],
  ['TTL', one.ttl === undefined ? undefined : `${one.ttl} s`],
  ['Turn', one.turn === undefined ? undefined : String(one.turn)],
  ['This is', SOURCES[one.source ?? '']],
  ['At', one.at === undefined ? undefined : dateAndTime(one.at)],
  ['State', one.version === undefined ? undefined : `epoch ${one.epoch}, version ${one.version}`],
  ['Decided again', one.verified === true ? 'with the same bytes' : undefined],
  ['Not known', one.unknown],
  ['Decided in', one.decision_time_us === undefined ? undefined : `${one.decision_time_us} µs`],
]

const CANDIDATES: readonly Column<CandidateTold>[] = [
  {
    title: 'Place',
    cell: ({ chosen, rank }) =>
      chosen === true ? badge('good', 'check', String(rank ?? '')) : NOTHING,
  },
  {
    title: 'Candidate',
    isName: true,
    cell: ({ id = '', address, port }) =>
      h('a', { href: linkTo('backends', [id]) }, h('code', null, `${address}:${port}`)),
  },
  { title: 'Region', cell: ({ region }) => region || NOTHING },
  { title: 'State', cell: ({ status }) => statusBadge(status) },
  { title: 'Weight', isFigure: true, cell: ({ weight }) => weight },
  { title: 'Why', isLong: true, cell: ({ reason }) => reason },
]
