/**
 * What an operator may order here: overrides, drains, checks. Each is a dialog that says what will
 * happen, asks for the reason, and shows the server's own words when it refuses.
 */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { h } from './h.ts'
import { ask, setToken, token } from './ask.ts'
import { refresh } from './live.ts'
import { dialogTitle, Field, showDialog } from './parts/dialog.ts'
import { icon } from './parts/icons.ts'
import { say } from './parts/toast.ts'
import type { BackendTold, DrainTold } from './shapes.ts'
import { useCell } from './use-cell.ts'

interface Order {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** Said once it is done. */
  readonly done: string
}

interface Wishes {
  readonly reason: string
  /** Undefined: until it is lifted. */
  readonly seconds: number | undefined
  readonly force: boolean
}

interface Plan {
  readonly title: string
  readonly explanation: string
  readonly button: string
  readonly isHarmful?: boolean
  /** Asks for a reason, a duration, and whether the guard-rail may be passed. */
  readonly isOrder?: boolean
  readonly orderOf: (wishes: Wishes) => Order
}

const DURATIONS = [
  ['', 'until lifted'],
  ['900', '15 minutes'],
  ['3600', '1 hour'],
  ['14400', '4 hours'],
  ['86400', '1 day'],
] as const

const field = (form: FormData, name: string): string => String(form.get(name) ?? '').trim()

function wishesOf(form: FormData): Wishes {
  const seconds = Number(field(form, 'duration'))
  return {
    reason: field(form, 'reason'),
    seconds: seconds > 0 ? seconds : undefined,
    force: form.get('force') !== null,
  }
}

/** Opens the dialog of a plan. */
function propose(plan: Plan): void {
  showDialog(({ close }) => h(PlanForm, { plan, close }))
}

function PlanForm({ plan, close }: { readonly plan: Plan; readonly close: () => void }): VNode {
  const [fault, setFault] = useState('')
  const [busy, setBusy] = useState(false)
  const held = useCell(token)
  const submit = async (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const given = field(form, 'token')
    if (given !== '') setToken(given)
    const { method, path, body, done } = plan.orderOf(wishesOf(form))
    setBusy(true)
    const answer = await ask(method, path, body)
    setBusy(false)
    if (answer.ok) {
      close()
      say(done)
      return refresh()
    }
    // A token that is not taken is asked for again.
    if (answer.status === 401) setToken(undefined)
    setFault(answer.message)
  }
  return h(
    'form',
    { onSubmit: submit },
    dialogTitle(plan.title),
    h('p', null, plan.explanation),
    plan.isOrder === true ? orderFields() : null,
    held === undefined ? h(TokenField, null) : null,
    h(
      'p',
      { class: 'form-fault', role: 'alert' },
      fault === '' ? null : [icon('warning'), `${fault}.`],
    ),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', onClick: close }, 'Cancel'),
      h(
        'button',
        {
          type: 'submit',
          class: plan.isHarmful === true ? 'primary harmful' : 'primary',
          disabled: busy,
        },
        plan.button,
      ),
    ),
  )
}

const orderFields = (): VNode[] => [
  h(Field, {
    key: 'reason',
    label: 'Reason',
    hint: 'Kept with the order, for whoever looks next.',
    control: (props) =>
      h('input', { ...props, name: 'reason', required: true, maxLength: 200, autofocus: true }),
  }),
  h(Field, {
    key: 'duration',
    label: 'Lasts',
    control: (props) =>
      h(
        'select',
        { ...props, name: 'duration' },
        DURATIONS.map(([value, text]) => h('option', { key: value, value }, text)),
      ),
  }),
  h(
    'label',
    { key: 'force', class: 'check' },
    h('input', { type: 'checkbox', name: 'force' }),
    'Also where the guard-rail would hold it back',
  ),
]

const TokenField = (): VNode =>
  h(Field, {
    label: 'Token',
    hint: 'Changes from a browser need one. It stays in this tab and is gone with it.',
    control: (props) =>
      h('input', {
        ...props,
        name: 'token',
        type: 'password',
        autocomplete: 'off',
        required: true,
        spellcheck: false,
      }),
  })

/** Takes a token, or forgets the one there is. */
export function askForToken(): void {
  showDialog(({ close }) => {
    const held = useCell(token)
    const submit = (event: Event) => {
      event.preventDefault()
      const given = field(new FormData(event.currentTarget as HTMLFormElement), 'token')
      if (given !== '') setToken(given)
      close()
    }
    const forget = () => {
      setToken(undefined)
      close()
    }
    return h(
      'form',
      { onSubmit: submit },
      dialogTitle('Token'),
      h(TokenField, null),
      h(
        'div',
        { class: 'buttons' },
        held === undefined
          ? null
          : h('button', { type: 'button', onClick: forget }, 'Forget the token'),
        h('button', { type: 'button', onClick: close }, 'Cancel'),
        h('button', { type: 'submit', class: 'primary' }, 'Use it'),
      ),
    )
  })
}

const pathOf = (...parts: readonly unknown[]): string =>
  `/api/v1/${parts.map((part) => encodeURIComponent(String(part ?? ''))).join('/')}`

const overridePath = ({ service, address, port }: BackendTold): string =>
  pathOf('overwatch', 'backends', service, address, port, 'override')

const nameOf = ({ service, address, port }: BackendTold): string =>
  `${address ?? ''} port ${port ?? ''} of ${service ?? ''}`

/** Undefined fields are left out of the JSON. */
const orderBody = ({ reason, seconds, force }: Wishes) => ({
  reason,
  expires_in_seconds: seconds,
  force: force ? true : undefined,
})

export const proposeOverride = (backend: BackendTold, healthy: boolean): void =>
  propose({
    title: healthy ? 'Force healthy' : 'Force unhealthy',
    explanation: healthy
      ? `${nameOf(backend)} will get traffic whatever its checks say.`
      : `${nameOf(backend)} will get no new clients, whatever its checks say.`,
    button: healthy ? 'Force healthy' : 'Force unhealthy',
    isHarmful: !healthy,
    isOrder: true,
    orderOf: (wishes) => ({
      method: 'POST',
      path: overridePath(backend),
      body: { healthy, ...orderBody(wishes) },
      done: `Forced ${healthy ? 'healthy' : 'unhealthy'}.`,
    }),
  })

export const proposeClear = (backend: BackendTold): void =>
  propose({
    title: 'Clear the override',
    explanation: `${nameOf(backend)} will follow its checks again.`,
    button: 'Clear override',
    orderOf: () => ({
      method: 'DELETE',
      path: overridePath(backend),
      done: 'Override cleared.',
    }),
  })

export const proposeDrain = (backend: BackendTold): void =>
  propose({
    title: 'Drain',
    explanation: `${nameOf(backend)} will leave the answers; clients that know it may finish.`,
    button: 'Drain',
    isHarmful: true,
    isOrder: true,
    orderOf: (wishes) => ({
      method: 'POST',
      path: pathOf('drains'),
      body: {
        service: backend.service,
        address: backend.address,
        port: backend.port,
        ...orderBody(wishes),
      },
      done: 'Drain declared.',
    }),
  })

export const proposeUndrain = (drain: Pick<DrainTold, 'id' | 'backend'>): void =>
  propose({
    title: 'End the drain',
    explanation: `${drain.backend ?? 'The backend'} will get traffic again if its checks pass.`,
    button: 'End drain',
    orderOf: () => ({
      method: 'DELETE',
      path: pathOf('drains', drain.id),
      done: 'Drain ended.',
    }),
  })

export function proposeCheck({ service, address, port }: BackendTold): void {
  const query = new URLSearchParams({
    service: service ?? '',
    address: address ?? '',
    port: String(port ?? ''),
  })
  propose({
    title: 'Check now',
    explanation: `${nameOf({ service, address, port })} will be checked at once.`,
    button: 'Check now',
    orderOf: () => ({
      method: 'POST',
      path: `${pathOf('overwatch', 'validate')}?${query}`,
      done: 'A check is under way.',
    }),
  })
}
