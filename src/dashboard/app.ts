/**
 * The frame of every view: the name of the node, whether what is seen is fresh, the way to the
 * other views, and a voice for alarms.
 */
import type { FunctionComponent, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { h } from './h.ts'
import { askForToken } from './actions.ts'
import { token } from './ask.ts'
import { currentHash, focusTop, onHash } from './browser.ts'
import { Cell } from './cell.ts'
import { mode } from './feed.ts'
import { freshMs, isOffered, offered, PERIOD_MS, refresh, trouble, useLive } from './live.ts'
import { DialogHost } from './parts/dialog.ts'
import { icon, type IconName, mark } from './parts/icons.ts'
import { badge } from './parts/status.ts'
import { Toast } from './parts/toast.ts'
import { linkTo, type Place, placeOf } from './route.ts'
import { textIn } from './shapes.ts'
import { CLUSTER, useNow, useShared } from './state.ts'
import { nextTheme, wish } from './theme.ts'
import { Backends } from './views/backends.ts'
import { Drains } from './views/drains.ts'
import { Events } from './views/events.ts'
import { Cluster, DNSSEC, Dnssec } from './views/facts.ts'
import { Agents, Domains, Members } from './views/lists.ts'
import { Overview } from './views/overview.ts'
import { Why } from './views/why.ts'
import { useCell } from './use-cell.ts'

interface View {
  readonly name: string
  readonly title: string
  readonly component: FunctionComponent<{ place: Place }>
  /** Shown only where the server has this. */
  readonly needs?: string
}

const VIEWS: readonly View[] = [
  { name: 'overview', title: 'Overview', component: Overview },
  { name: 'backends', title: 'Backends', component: Backends },
  { name: 'drains', title: 'Drains', component: Drains },
  { name: 'why', title: 'Why', component: Why },
  { name: 'events', title: 'Events', component: Events, needs: '/api/v1/events' },
  { name: 'domains', title: 'Domains', component: Domains, needs: '/api/v1/domains' },
  { name: 'agents', title: 'Agents', component: Agents, needs: '/api/v1/overwatch/agents' },
  { name: 'gossip', title: 'Gossip', component: Members, needs: '/api/v1/gossip/nodes' },
  { name: 'dnssec', title: 'DNSSEC', component: Dnssec, needs: DNSSEC },
  { name: 'cluster', title: 'Cluster', component: Cluster, needs: CLUSTER },
]

const place = new Cell<Place>(placeOf(currentHash()))

/** Begins; the page calls it once. */
export const keepPlace = (): void => onHash(() => place.set(placeOf(currentHash())))

export function App(): VNode {
  const where = useCell(place)
  const patterns = useCell(offered)
  const views = VIEWS.filter(({ needs }) => needs === undefined || isOffered(needs, patterns))
  const view = views.find(({ name }) => name === where.view)
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  const path = [where.view, ...where.parts].join('/')
  useEffect(() => {
    document.title = `${view?.title ?? 'Not here'} · OpenGSLB`
    // After the first drawing only: who comes to another view starts to read at its top.
    if (!first.current) focusTop(main.current)
    first.current = false
  }, [path])
  return h(
    'div',
    { class: 'frame' },
    h('a', { class: 'skip', href: '#main', onClick: skipTo(main) }, 'Skip to content'),
    h(Head, null),
    h(Navigation, { views, current: where.view }),
    h(
      'main',
      { id: 'main', ref: main, tabIndex: -1 },
      h('h1', { class: 'aloud' }, view?.title ?? 'Not here'),
      h(TroubleNote, null),
      patterns === undefined
        ? null
        : view === undefined
          ? h('p', { class: 'quiet' }, 'This server has no such view.')
          : h(view.component, { place: where }),
    ),
    h(Announcer, null),
    h(Toast, null),
    h(DialogHost, null),
  )
}

/** The address belongs to the views, so the skip link moves the focus by itself. */
const skipTo = (main: { current: HTMLElement | null }) => (event: Event) => {
  event.preventDefault()
  main.current?.focus()
}

function Head(): VNode {
  const version = useLive('/api/v1/version').value
  const { cluster } = useShared()
  const held = useCell(token)
  return h(
    'header',
    { class: 'head' },
    h('a', { class: 'brand', href: linkTo('overview') }, mark(), 'OpenGSLB'),
    h(
      'span',
      { class: 'node' },
      h('strong', null, cluster.overwatch?.node_id ?? ''),
      ` ${textIn(version, 'version') ?? ''}`,
    ),
    h(Freshness, null),
    h(
      'div',
      { class: 'head-buttons' },
      h(
        'button',
        { type: 'button', class: 'plain', onClick: askForToken },
        icon('key'),
        h('span', null, held === undefined ? 'No token' : 'Token set'),
      ),
      h(ThemeButton, null),
    ),
  )
}

const THEMES = { auto: 'auto', light: 'sun', dark: 'moon' } as const

function ThemeButton(): VNode {
  const current = useCell(wish)
  return h(
    'button',
    {
      type: 'button',
      class: 'plain',
      onClick: nextTheme,
      'aria-label': `Colours: ${current}. Change`,
      title: `Colours: ${current}`,
    },
    icon(THEMES[current]),
  )
}

const MODES: Readonly<Record<string, readonly ['good' | 'note' | 'mute', IconName, string]>> = {
  live: ['good', 'bolt', 'Live'],
  connecting: ['mute', 'clock', 'Connecting'],
  polling: ['note', 'clock', 'Polling'],
  none: ['note', 'clock', 'Polling'],
}

function Freshness(): VNode {
  const how = useCell(mode)
  const atMs = useCell(freshMs)
  const wrong = useCell(trouble)
  const nowMs = useNow()
  const late = atMs > 0 && nowMs - atMs > 3 * PERIOD_MS
  const [tone, name, text] = MODES[how] ?? MODES['none']!
  const shown =
    wrong !== undefined || late ? badge('warn', 'warning', 'Not fresh') : badge(tone, name, text)
  const age = atMs === 0 ? '' : `${Math.max(0, Math.round((nowMs - atMs) / 1_000))} s old`
  return h('span', { class: 'fresh' }, shown, h('span', { class: 'age' }, age))
}

function Navigation({ views, current }: { views: readonly View[]; current: string }): VNode {
  const { alarms, drains } = useShared()
  const serious = alarms.filter(({ level }) => level !== 'note').length
  const here = useRef<HTMLAnchorElement>(null)
  useEffect(() => here.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [current])
  const counts: Readonly<Record<string, number>> = { overview: serious, drains: drains.length }
  return h(
    'nav',
    { class: 'nav', 'aria-label': 'Views' },
    h(
      'ul',
      null,
      views.map(({ name, title }) => {
        const number = counts[name] ?? 0
        return h(
          'li',
          { key: name },
          h(
            'a',
            {
              href: linkTo(name),
              ...(name === current ? { 'aria-current': 'page', ref: here } : {}),
            },
            title,
            number === 0
              ? null
              : h(
                  'span',
                  { class: name === 'overview' ? 'count warn' : 'count' },
                  number,
                  h('span', { class: 'aloud' }, name === 'overview' ? ' alarms' : ' under way'),
                ),
          ),
        )
      }),
    ),
  )
}

const TROUBLES = {
  silent: 'The server does not answer. The page tries again every few seconds.',
  locked: 'This API asks for a token, also to read.',
  refused: 'This address may not use the API (api.allowed_networks, api.allowed_hosts).',
} as const

function TroubleNote(): VNode | null {
  const wrong = useCell(trouble)
  if (wrong === undefined) return null
  return h(
    'div',
    { class: 'trouble', role: 'alert' },
    icon('warning'),
    h('p', null, TROUBLES[wrong]),
    wrong === 'locked'
      ? h('button', { type: 'button', onClick: askForToken }, 'Give a token')
      : h('button', { type: 'button', onClick: () => void refresh() }, 'Try now'),
  )
}

/** Says new alarms aloud, each once while it stays. */
function Announcer(): VNode {
  const { alarms } = useShared()
  const known = useRef<ReadonlySet<string>>(new Set())
  const [text, setText] = useState('')
  useEffect(() => {
    const serious = alarms.filter(({ level }) => level !== 'note')
    const fresh = serious.filter(({ key }) => !known.current.has(key))
    known.current = new Set(serious.map(({ key }) => key))
    if (fresh.length > 0) setText(fresh.map(({ title }) => title).join('. '))
  }, [alarms])
  return h('div', { class: 'aloud', role: 'log', 'aria-live': 'assertive' }, text)
}
