/**
 * The metrics and labels that dashboards and alert rules speak of.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './source.ts'

export interface Expression {
  /** File, and the panel or rule in it. */
  readonly where: string
  readonly text: string
  /** Labels that texts beside it show. */
  readonly shown: readonly string[]
}

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

const filesIn = (folder: string, pattern: RegExp) =>
  readdirSync(join(root, folder))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), 'utf8') }))

export const dashboards = (): readonly { readonly name: string; readonly board: Dashboard }[] =>
  filesIn('config/grafana', /\.json$/).map(({ name, text }) => ({ name, board: JSON.parse(text) }))

export const ruleFiles = (): readonly {
  readonly name: string
  readonly rules: readonly Rule[]
}[] =>
  filesIn('config/prometheus', /^alerts.*\.yaml$/).map(({ name, text }) => {
    const { groups } = parse(text) as { groups: { rules: Rule[] }[] }
    return { name, rules: groups.flatMap(({ rules }) => rules) }
  })

const inText = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '')

/** Every expression of rules and dashboards. */
export function expressions(): Expression[] {
  const rules = ruleFiles().flatMap(({ name, rules: all }) =>
    all.map(({ alert, expr, annotations }) => ({
      where: `${name}: ${alert}`,
      text: expr,
      shown: inText(Object.values(annotations).join(' '), /\$labels\.([a-z_]+)/g),
    })),
  )
  const panels = dashboards().flatMap(({ name, board }) => [
    ...board.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({
        where: `${name}: ${title}`,
        text: expr,
        shown: inText(legendFormat, /\{\{([a-z_]+)\}\}/g),
      })),
    ),
    ...board.annotations.list.flatMap(({ expr }) =>
      expr === undefined ? [] : [{ where: `${name}: annotation`, text: expr, shown: [] }],
    ),
  ])
  return [...rules, ...panels]
}

/** Names of metrics, those of a histogram without the ending of its parts. */
export const metricsIn = (text: string): readonly string[] => [
  ...new Set(
    inText(text, /\b((?:opengslb|process|nodejs)_[a-z0-9_]+)/g).map((name) =>
      name.replace(/_bucket$/, ''),
    ),
  ),
]

/** Labels in selectors and groupings. */
export const labelsIn = (text: string): readonly string[] => [
  ...new Set([
    ...inText(text, /[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g),
    ...inText(text, /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)
      .flatMap((list) => list.split(','))
      .map((name) => name.trim()),
  ]),
]
