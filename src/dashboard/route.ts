/**
 * Where the page is: the part of the address after `#`, as a view and what it shows.
 *
 * `#/backends/app.example.com%3A10.0.0.1%3A80` is the view `backends` with one part.
 */

export interface Place {
  readonly view: string
  /** Decoded. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2)
  const [view = '', ...parts] = path.split('/').map(decoded)
  return {
    view: view === '' ? 'overview' : view,
    parts: parts.filter((part) => part !== ''),
    query: new URLSearchParams(query),
  }
}

/** The address of a view. */
export function linkTo(
  view: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const path = [view, ...parts].map(encodeURIComponent).join('/')
  const search = new URLSearchParams(query).toString()
  return `#/${path}${search === '' ? '' : `?${search}`}`
}
