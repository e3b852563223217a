/**
 * The dashboard as files: which of them a request asks for, and how it is answered.
 *
 * The files hold no data of this deployment, only the page that asks the API for it; they lie in
 * memory, so nothing a client sends names a path on disk. What the page may do is bounded by its
 * Content-Security-Policy: it loads from this origin alone and talks to it alone.
 */
import { AccessList } from '../../core/net/access.ts'
import { namesTag } from '../../core/net/entity-tags.ts'
import type { DashboardFile, HttpAnswer, HttpRequest, ShellConfig } from './contract.ts'

/** Who gets the dashboard; undefined where the mode has none. Others are the API's to refuse. */
export const viewersOf = ({ api }: ShellConfig): AccessList | undefined =>
  api.dashboard && new AccessList(api.dashboard.allowedNetworks)

/** W3C CSP 3; `data:` is for the icon of the tab. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const PROTECTION = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** A year is what caches take for "for ever"; the name of such a file changes with its content. */
const FOR_EVER = 'public, max-age=31536000, immutable'

export class Dashboard {
  readonly #files: ReadonlyMap<string, DashboardFile>

  constructor(files: readonly DashboardFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]))
  }

  /** Undefined where the request is not for the dashboard, and the API is to answer it. */
  answer(request: HttpRequest): HttpAnswer | undefined {
    const file = this.#files.get(request.path)
    if (file === undefined) return undefined
    // The root is the page for browsers only: programs that ask for it mean the API.
    if (file.path === '/' && !accepts(request, 'accept', 'text/html')) return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed
    return fileAnswer(file, request)
  }

  get size(): number {
    return this.#files.size
  }
}

function fileAnswer(file: DashboardFile, request: HttpRequest): HttpAnswer {
  const zipped = accepts(request, 'accept-encoding', 'gzip')
  // Two representations, so two tags (RFC 9110 section 8.8.3.3).
  const etag = zipped ? `"${file.hash}-gzip"` : `"${file.hash}"`
  const headers = {
    ...PROTECTION,
    etag,
    'cache-control': file.isHashed ? FOR_EVER : 'no-cache',
    vary: file.path === '/' ? 'accept, accept-encoding' : 'accept-encoding',
  }
  if (namesTag(request.headers['if-none-match'], etag))
    return { status: 304, headers, body: new Uint8Array(0) }
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': file.type,
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    },
    body: zipped ? file.zipped : file.body,
  }
}

/** Whether a list field (RFC 9110 section 12.5) names the value, and not with weight 0. */
function accepts({ headers }: HttpRequest, field: string, value: string): boolean {
  return (headers[field] ?? '').split(',').some((item) => {
    const [name, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    return name === value && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

const notAllowed: HttpAnswer = {
  status: 405,
  headers: { ...PROTECTION, allow: 'GET, HEAD', 'content-type': 'text/plain; charset=utf-8' },
  body: 'method not allowed',
}
