/**
 * How the dashboard looks to the operators of this node: one small document, kept on disk.
 */
import { fingerprint } from '../../../core/base/fingerprint.ts'
import { limits } from '../../../core/base/limits.ts'
import { parseObject } from '../body.ts'
import type { Context } from '../context.ts'
import { type HttpAnswer, json, NEVER, refuse, timestamp } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import {
  preferencesHeld,
  preferencesPatch,
  settingsSchemas as schemas,
} from '../schemas/settings.ts'

const PATH = '/api/v1/preferences'
const FILE = 'preferences.json'

type Preferences = typeof preferencesHeld._zod.output

/** What holds before anybody said anything, as in the original. */
const FIRST: Preferences = {
  theme: 'auto',
  language: 'en',
  timezone: '',
  date_format: '',
  time_format: '',
  refresh_interval_seconds: 30,
  notifications_enabled: true,
  default_view: '',
  custom_settings: {},
  updated_at: NEVER,
}

export function preferenceRoutes(context: Context): Route[] {
  const document = new Document(context)
  return [
    route('GET', PATH, 'Preferences of the dashboard', async () => tagged(await document.read()), {
      schema: schemas.preferences,
    }),
    route('PUT', PATH, 'Change some of them', (call) => document.change(call), {
      schema: schemas.changePreferences,
    }),
  ]
}

const encoder = new TextEncoder()

const tagOf = (held: Preferences) => `"${fingerprint(encoder.encode(JSON.stringify(held)))}"`

const tagged = (held: Preferences): HttpAnswer =>
  json(200, { preferences: held }, { etag: tagOf(held) })

class Document {
  readonly #context: Context
  #held: Preferences | undefined
  /** Changes one after the other: each reads what the one before wrote. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(context: Context) {
    this.#context = context
  }

  async read(): Promise<Preferences> {
    if (this.#held !== undefined) return this.#held
    const text = await this.#context.ports.readDocument(FILE)
    this.#held ??= this.#parsed(text) ?? FIRST
    return this.#held
  }

  change(call: Call): Promise<HttpAnswer> {
    const done = this.#last.then(() => this.#change(call))
    this.#last = done.catch(() => {})
    return done
  }

  async #change({ request, audited }: Call): Promise<HttpAnswer> {
    const object = parseObject(request.body)
    if (!object.ok) return refuse(400, object.error)
    const patch = preferencesPatch.safeParse(dropNulls(object.value))
    if (!patch.success) return refuse(400, 'the preferences do not have the shape documented')
    const before = await this.read()
    const wanted = request.headers['if-match']
    // RFC 9110 section 13.1.1: `*` is any that exists, and there always is one.
    if (wanted !== undefined && wanted !== '*' && !wanted.includes(tagOf(before)))
      return refuse(412, 'the preferences have changed since', { etag: tagOf(before) })
    const { ctx, ports } = this.#context
    const given = Object.entries(patch.data).filter(([, value]) => value !== undefined)
    const next: Preferences = {
      ...before,
      ...Object.fromEntries(given),
      updated_at: timestamp(ctx.clock.nowMs()),
    }
    const text = JSON.stringify(next)
    if (text.length > limits.preferencesBytes.default)
      return refuse(413, `preferences are at most ${limits.preferencesBytes.default} bytes`)
    const outcome = await ports.writeDocument(FILE, text)
    if (outcome.code === 'failed') {
      ctx.log.error('preferences not written', { reason: outcome.message })
      return refuse(503, `the preferences could not be written: ${outcome.message}`)
    }
    this.#held = next
    audited({
      before: Object.fromEntries(given.map(([name]) => [name, before[name as keyof Preferences]])),
    })
    return tagged(next)
  }

  /** A damaged file is one that was never written. */
  #parsed(text: string | undefined): Preferences | undefined {
    if (text === undefined) return undefined
    try {
      const read = preferencesHeld.safeParse(JSON.parse(text))
      if (read.success) return read.data
    } catch {
      // Told below, as any other damage.
    }
    this.#context.ctx.log.warn('preferences on disk are damaged, the defaults hold')
    return undefined
  }
}

const dropNulls = (object: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
