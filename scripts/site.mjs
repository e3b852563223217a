/**
 * `npm run docs:site`: makes the pages of this repository a folder of HTML, `out/site`, or the one
 * that is given (`npm run docs:site -- FOLDER`). It needs no server and asks nobody for anything.
 *
 * A link that leads nowhere ends it with 1.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { menuOf, readSite } from './lib/site/pages.mjs'
import { indexScript } from './lib/site/search-index.mjs'
import { documentOf, folderPage } from './lib/site/template.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const INDEX = 'search-index.js'
const assets = join(root, 'scripts', 'lib', 'site', 'assets')

/** Writes the site; gives what it wrote and which links are broken. */
export function writeSite(out) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { pages, files, folders, broken } = readSite(root)
  const menu = menuOf(pages)
  const write = (place, text) => {
    mkdirSync(dirname(join(out, place)), { recursive: true })
    writeFileSync(join(out, place), text)
  }
  emptied(out)
  for (const page of pages) write(page.place, documentOf(page, menu, version))
  for (const folder of folders) {
    const names = [...files].filter((file) => posix.dirname(file) === folder)
    const page = folderPage(folder, names.map((name) => posix.basename(name)).sort())
    write(page.place, documentOf(page, menu, version))
  }
  for (const file of files) {
    mkdirSync(dirname(join(out, file)), { recursive: true })
    copyFileSync(join(root, file), join(out, file))
  }
  for (const name of ['site.css', 'search.js']) copyFileSync(join(assets, name), join(out, name))
  write(INDEX, indexScript(pages))
  return { pages: pages.length, files: files.size, broken }
}

/** Makes room for the site; a folder that holds something else is nobody's to empty. */
function emptied(out) {
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, INDEX)))
    throw new Error(`${out} holds something else than a site; name another folder`)
  rmSync(out, { recursive: true, force: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? join(root, 'out', 'site'))
  const { pages, files, broken } = writeSite(out)
  for (const link of broken) process.stderr.write(`leads nowhere: ${link}\n`)
  process.stdout.write(`${pages} pages and ${files} files: ${join(out, 'index.html')}\n`)
  process.exitCode = broken.length > 0 ? 1 : 0
}
