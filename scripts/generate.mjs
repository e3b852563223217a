/**
 * `npm run generate` writes the documents that come out of the code; `npm run check` compares.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root, setup } from './lib/setup.mjs'

const built = (path) => import(pathToFileURL(join(root, 'dist', path)).href)

async function documents() {
  const config = await built('core/config/document.js')
  const messages = await built('messages/document.js')
  const events = await built('core/events/document.js')
  const limits = await built('core/base/limits-document.js')
  const api = await built('actors/api/table.js')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const cli = await built('cli/document.js')
  return {
    'config/reference.yaml': config.referenceYaml(),
    'docs/reference/configuration.md': config.referenceMarkdown(),
    'docs/reference/config.schema.json': `${JSON.stringify(config.jsonSchema(), null, 2)}\n`,
    'docs/reference/messages.md': messages.messagesMarkdown(),
    'docs/reference/events.md': events.eventsMarkdown(),
    'docs/reference/events.schema.json': `${JSON.stringify(events.eventsJsonSchema(), null, 2)}\n`,
    'docs/reference/limits.md': limits.limitsMarkdown(),
    'docs/reference/openapi.json': `${JSON.stringify(api.apiDocument(version), null, 2)}\n`,
    'docs/reference/cli.md': cli.cliMarkdown(),
  }
}

/** Ends the process when a checked-in document is not what the code prints. */
export async function checkGenerated() {
  for (const [path, text] of Object.entries(await documents())) {
    const file = join(root, path)
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    process.stderr.write(`${path} is out of date; run: npm run generate\n`)
    process.exit(1)
  }
}

async function writeGenerated() {
  for (const [path, text] of Object.entries(await documents())) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    process.stdout.write(`${path}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup()
  await writeGenerated()
}
