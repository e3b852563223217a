/**
 * docs/reference/configuration.md: every key in tables, one for each section.
 */
import { type KeyPath, keyTree } from './paths.ts'

const HEAD = `# Configuration reference

Every key, made from the schema by \`npm run generate\`. A configuration is a YAML 1.2 file
(and the files it includes); [reference.yaml](../../config/reference.yaml) is the same as a
file that loads, and [config.schema.json](config.schema.json) the same for editors.

## How values are written

| Kind | Written | Read as |
|---|---|---|
| duration | \`500ms\`, \`30s\`, \`1h30m\`, \`14d\` (units ns us ms s m h d) | milliseconds |
| size | \`512MB\`, \`1GiB\` (powers of 1000, or of 1024 with an i) | bytes |
| boolean | \`true\`, \`false\`; also yes, no, on, off | |
| number | decimal, \`0x1f\`, \`0o17\`; \`010\` is ten, with a warning | |
| list | \`[a, b]\`, or one item a line behind dashes | |

\`\${NAME}\` inside a value is replaced from the environment, \`\${NAME:-default}\` has a
default, \`$$\` is a dollar sign. Replacement happens after the YAML was read, so a variable
can never add keys. A variable that is not set is an error. A key with nothing behind it
counts as absent; \`0\`, \`false\` and \`""\` do not.

Unknown keys are errors. These keys of older files are accepted with a warning: \`dns.zone\`
(one more zone), \`dnssec\` at the top level (read as \`overwatch.dnssec\`), and without
effect \`overwatch.routing\`, \`regions[].id\`, \`agent.identity.agent_id\`,
\`api.enable_cors\`, \`api.cors\`. A server without \`service\` serves every domain that lists
its region.

Flags win over the environment (\`OPENGSLB_CLUSTER_MODE\`, \`_NODE_NAME\`, \`_BIND_ADDRESS\`,
\`_BOOTSTRAP\`, \`_JOIN\`), which wins over the file.

## Several files

\`includes\` names files or globs (\`*\`, \`?\`, \`[a-z]\`, \`**\` for any directories),
relative to the file that names them, read in sorted order. A file named outright must exist;
a glob without a match is a warning. Included files may include others, ten deep; a file
reached twice is read once; a circle is an error. An included file adds \`regions\`,
\`domains\`, \`agent.backends\`, \`overwatch.geolocation.custom_mappings\` and
\`overwatch.agent_tokens\` (a later token replaces an earlier one, with a warning); anything
else in it is an error.

A file that everyone may write is refused. A file that everyone may read is refused when it
holds a literal secret, and warned about otherwise.

## Keys
`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function defaultOf(key: KeyPath): string {
  const { note, shape } = key
  if (note.required) return 'required'
  if (shape === 'keys') return ''
  if (shape === 'list') return '`[]`'
  if (shape === 'names') return '`{}`'
  const { written } = note
  if (Array.isArray(written)) return `\`[${written.join(', ')}]\``
  if (written === undefined || written === '') return note.hasDefault ? '`""`' : ''
  return `\`${written}\``
}

function typeOf({ note, shape }: KeyPath): string {
  const kind = note.kind?.name ?? ''
  if (shape === 'keys') return 'section'
  if (shape === 'list') return 'list of sections'
  if (shape === 'values') return `list of ${kind}`
  return shape === 'names' ? `name: ${kind}` : kind
}

function row(key: KeyPath): string {
  const { note } = key
  const marks = [note.restart ? 'Needs a restart.' : '', note.secret ? 'Secret.' : '']
  const doc = [note.doc, ...marks].filter((text) => text !== '').join(' ')
  const allowed = note.kind?.allowed ?? ''
  const cells = [`\`${key.path}\``, typeOf(key), defaultOf(key), allowed, doc].map(cell)
  return `| ${cells.join(' | ')} |`
}

function rowsOf(key: KeyPath): string[] {
  return [row(key), ...key.children.flatMap(rowsOf)]
}

/** The text of docs/reference/configuration.md. */
export function referenceMarkdown(): string {
  const table = '| Key | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|'
  const [plain, sections] = [keyTree().filter((key) => key.children.length === 0), keyTree()]
  const parts = [`### Top level\n\n${table}\n${plain.map(row).join('\n')}\n`]
  for (const key of sections.filter((one) => one.children.length > 0))
    parts.push(
      `### \`${key.name}\`\n\n${key.note.doc}\n\n${table}\n${rowsOf(key).slice(1).join('\n')}\n`,
    )
  return `${HEAD}\n${parts.join('\n')}`
}
