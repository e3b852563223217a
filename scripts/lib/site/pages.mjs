/**
 * The pages of the site out of the repository: which there are, where they lie, what links to what.
 *
 * A page lies where its Markdown lies, with another ending, so that relative links stay what they
 * are. Files that pages link to and that are no pages are copied under the same path.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, posix } from 'node:path'
import { render } from './markdown.mjs'

/** Groups of the menu, in order; a page that no rule takes is in the last. */
const groups = [
  ['Begin', (path) => /^(?:README|CHANGELOG)\.md$|first-ten-minutes/.test(path)],
  ['Guides', (path) => path.startsWith('docs/guides/')],
  ['Operations', (path) => path.startsWith('docs/operations/')],
  ['Reference', (path) => path.startsWith('docs/reference/')],
  ['Results', (path) => path.startsWith('docs/results/') || path === 'docs/performance.md'],
  ['Design', (path) => /^docs\/[\w-]+\.md$/.test(path)],
  ['Decisions', (path) => path.startsWith('docs/adr/')],
  ['Source', () => true],
]

/** Where a file of the repository lies on the site. */
export function placeOf(path) {
  if (!path.endsWith('.md')) return path
  return path === 'README.md' ? 'index.html' : path.replace(/\.md$/, '.html')
}

const markdownUnder = (root, folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => posix.join(entry.parentPath.slice(root.length + 1), entry.name))
    .sort()

const isOutside = (target) => /^[a-z][a-z0-9+.-]*:/i.test(target)

/** The file a link of `path` leads to, from the root, and the rest of the link. */
export function targetOf(path, target) {
  const [file, anchor] = target.split('#')
  const to = file === '' ? path : normalize(join(dirname(path), file)).replace(/\/$/, '')
  return { to, anchor }
}

/**
 * Everything of the site: pages with their HTML, files to copy, folders to list.
 *
 * @param root of the repository
 * @returns {{ pages: object[], files: Set<string>, folders: Set<string>, broken: string[] }}
 */
export function readSite(root) {
  const wanted = ['README.md', 'CHANGELOG.md', ...markdownUnder(root, 'docs')]
  const site = { pages: [], files: new Set(), folders: new Set(), broken: [] }
  const known = new Set(wanted)
  for (let at = 0; at < wanted.length; at++) {
    const path = wanted[at]
    const text = readFileSync(join(root, path), 'utf8')
    const link = (target) => {
      if (isOutside(target)) return target
      const { to, anchor } = targetOf(path, target)
      note(root, site, to, { path, target, wanted, known })
      return hrefOf(path, to, anchor, site)
    }
    const { html, title, sections } = render(text, link)
    const group = groups.findIndex(([, takes]) => takes(path))
    site.pages.push({ path, place: placeOf(path), html, title, sections, group })
  }
  site.broken.push(...brokenAnchors(site))
  return site
}

/** Puts what a link leads to on the site. */
function note(root, site, to, { path, target, wanted, known }) {
  const file = join(root, to)
  if (to.startsWith('..') || !existsSync(file)) site.broken.push(`${path}: ${target}`)
  else if (statSync(file).isDirectory()) {
    site.folders.add(to)
    for (const entry of readdirSync(file, { withFileTypes: true }))
      if (entry.isFile()) site.files.add(posix.join(to, entry.name))
  } else if (!to.endsWith('.md')) site.files.add(to)
  else if (!known.has(to)) {
    known.add(to)
    wanted.push(to)
  }
}

function hrefOf(path, to, anchor, site) {
  const place = site.folders.has(to) ? posix.join(to, 'index.html') : placeOf(to)
  const href = posix.relative(posix.dirname(placeOf(path)), place)
  const hash = anchor === undefined ? '' : `#${anchor}`
  return to === path && hash !== '' ? hash : `${href}${hash}`
}

/** Links that name a heading which their page has not. */
function brokenAnchors({ pages }) {
  const anchors = new Map(
    pages.map(({ place, sections }) => [place, new Set(sections.map((one) => one.anchor))]),
  )
  return pages.flatMap(({ path, place, html }) =>
    [...html.matchAll(/<a href="([^":]*)#([^"]+)"/g)].flatMap(([, file, anchor]) => {
      const to = file === '' ? place : posix.join(posix.dirname(place), file)
      return !anchors.has(to) || anchors.get(to).has(anchor) ? [] : [`${path}: ${to}#${anchor}`]
    }),
  )
}

/** The menu: groups with their pages, the order of a group that of titles. */
export function menuOf(pages) {
  const collator = new Intl.Collator('en')
  return groups
    .map(([name], group) => ({
      name,
      pages: pages
        .filter((page) => page.group === group)
        .sort((a, b) => (group === 0 ? 0 : collator.compare(sortTitle(a), sortTitle(b)))),
    }))
    .filter((group) => group.pages.length > 0)
}

/** Decisions are numbered; everything else goes by its name. */
const sortTitle = ({ path, title }) => (path.startsWith('docs/adr/') ? path : title)
