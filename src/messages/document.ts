/**
 * The catalogue as a page: docs/reference/messages.md, with its diagram.
 */
import { catalogue } from './catalogue.ts'
import type { Catalogue, Entry } from './entry.ts'
import type { Fields } from './fields.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|')

function fieldRows(fields: Fields): string[] {
  const rows = Object.entries(fields).map(([name, { kind, optional, doc }]) => {
    const presence = optional ? `${kind}, optional` : kind
    return `| \`${name}\` | ${presence} | ${cell(doc)} |`
  })
  return rows.length === 0
    ? ['No fields.', '']
    : ['| field | kind | meaning |', '|---|---|---|', ...rows, '']
}

function deliveryOf(entry: Entry): string {
  if (entry.kind === 'request') return 'request with a reply'
  if (entry.delivery === 'each') return 'fact, `each`: under pressure the oldest are dropped'
  const key = entry.key.map((name) => `\`${name}\``).join(', ')
  const scope = key === '' ? 'of the message' : `for each ${key}`
  return `fact, \`latest\`: under pressure the newest ${scope} survives`
}

function section(name: string, entry: Entry): string[] {
  return [
    `## ${name}`,
    '',
    entry.doc,
    '',
    `- id ${entry.id}, from \`${entry.from}\` to ${entry.to.map((to) => `\`${to}\``).join(', ')}`,
    `- ${deliveryOf(entry)}`,
    `- at most ${entry.maxBytes.toLocaleString('en-US')} bytes`,
    '',
    ...fieldRows(entry.fields),
    ...(entry.kind === 'request' ? ['Reply:', '', ...fieldRows(entry.reply)] : []),
  ]
}

/** One arrow for each edge: facts solid, requests dotted. */
function diagram(entries: readonly (readonly [string, Entry])[]): string[] {
  const arrows = new Map<string, string[]>()
  for (const [name, entry] of entries) {
    const short = name.slice(entry.from.length + 1)
    for (const to of entry.to) {
      const arrow = `${entry.from} ${entry.kind === 'fact' ? '-->' : '-.->'}|LABEL| ${to}`
      arrows.set(arrow, [...(arrows.get(arrow) ?? []), short])
    }
  }
  const lines = [...arrows].map(
    ([arrow, names]) => `  ${arrow.replace('LABEL', names.join('<br/>'))}`,
  )
  return ['```mermaid', 'flowchart LR', ...lines, '```', '']
}

/** The whole page, in the order of the ids. */
export function messagesMarkdown(of: Catalogue = catalogue): string {
  const entries = Object.entries(of).sort(([, a], [, b]) => a.id - b.id)
  const lines = [
    '# Messages between actors',
    '',
    'Generated from `src/messages/catalogue.ts`. What the runtime promises for them is in',
    '[semantics](../semantics.md). Solid arrows are facts, dotted ones are requests.',
    '',
    ...diagram(entries),
    ...entries.flatMap(([name, entry]) => section(name, entry)),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
