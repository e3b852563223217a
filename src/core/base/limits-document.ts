/**
 * docs/reference/limits.md, printed from the limits themselves.
 *
 * A limit whose name says in what it is counted keeps that unit here; nothing is converted.
 */
import type { Limit } from './limit.ts'
import { limits } from './limits.ts'

const heading = `# Limits

Every loop, queue, cache, packet and wait of the program has a limit. Those with a key are settings
of the configuration file; the others are constants of the program. This page is generated from
\`src/core/base/limits.ts\` by \`npm run generate\`; do not edit it.
`

/** The page as Markdown, one row a limit, in the order of the tables in the source. */
export function limitsMarkdown(): string {
  const rows = Object.entries(limits as Readonly<Record<string, Limit>>).map(
    ([name, { default: value, min, max, unit, why, key }]) =>
      `| \`${name}\` | ${grouped(value)} | ${grouped(min)} to ${grouped(max)} | ${unit} ` +
      `| ${key === undefined ? '' : `\`${key}\``} | ${why.replaceAll('|', '\\|')} |`,
  )
  const table = ['| limit | default | range | unit | key | why |', '|---|---:|---|---|---|---|']
  return `${heading}\n${[...table, ...rows].join('\n')}\n`
}

/** 134217728 as 134,217,728; fractions stay as they are. */
function grouped(value: number): string {
  return Number.isInteger(value) ? String(value).replace(/\B(?=(?:\d{3})+$)/g, ',') : String(value)
}
