/**
 * Elements without a compiler of their own: `h('p', { class: 'quiet' }, 'text')`.
 *
 * Children are text or elements, never markup: there is no way here to set inner HTML, so what the
 * API tells cannot become part of the page's structure.
 */
import { type ComponentChildren, createElement, type FunctionComponent, type VNode } from 'preact'

type Attributes = Readonly<Record<string, unknown>> & {
  readonly dangerouslySetInnerHTML?: never
  readonly innerHTML?: never
}

type Without<P> = Omit<P, 'children'> & { readonly key?: string | number }

export function h(
  tag: string,
  attributes: Attributes | null,
  ...children: ComponentChildren[]
): VNode
export function h<P>(
  component: FunctionComponent<P>,
  properties: Without<P> | null,
  ...children: ComponentChildren[]
): VNode
export function h(
  tag: string | FunctionComponent<object>,
  properties: object | null,
  ...children: ComponentChildren[]
): VNode {
  // The two overloads above are what callers see; the library takes both by the same call.
  return createElement(tag as string, properties, ...children) as unknown as VNode
}
