/**
 * The frame around a page: menu, search, contents. All links are relative, so that the site works
 * from any folder of any server, and from a disk.
 */
import { posix } from 'node:path'
import { escapeHtml } from './markdown.mjs'

const short = (title) =>
  title.replace(/^\d{4}\. /, '').replace(/^The (\w)/, (_, one) => one.toUpperCase())

function menuHtml(menu, page) {
  const entry = (one) => {
    const href = posix.relative(posix.dirname(page.place), one.place)
    const now = one === page ? ' aria-current="page"' : ''
    return `<li><a href="${href}"${now}>${escapeHtml(short(one.title))}</a></li>`
  }
  return menu
    .map(({ name, pages }) => {
      const open = pages.includes(page) || ['Begin', 'Guides', 'Operations'].includes(name)
      const list = `<ul>${pages.map(entry).join('')}</ul>`
      return `<details${open ? ' open' : ''}><summary>${name}</summary>${list}</details>`
    })
    .join('\n')
}

/** Sections of a page as a list; the reference pages have too many for the third level. */
function contentsHtml({ sections }) {
  const own = sections.filter(({ level }) => level === 2 || level === 3)
  const shown = own.length > 40 ? own.filter(({ level }) => level === 2) : own
  if (shown.length < 3) return ''
  const items = shown.map(
    ({ heading, anchor, level }) =>
      `<li class="l${level}"><a href="#${anchor}">${escapeHtml(heading)}</a></li>`,
  )
  const list = `<p>On this page</p><ul>${items.join('')}</ul>`
  return `<nav class="contents" aria-label="On this page">${list}</nav>`
}

/** The whole document of a page. */
export function documentOf(page, menu, version) {
  const up = posix.relative(posix.dirname(page.place), '.') || '.'
  const isHome = page.place === 'index.html'
  const title = isHome ? 'OpenGSLB' : `${page.title} · OpenGSLB`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${up}/site.css">
<script src="${up}/search.js" data-up="${up}" defer></script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>
<a class="name" href="${up}/index.html">OpenGSLB <span>${escapeHtml(version)}</span></a>
<form role="search" onsubmit="return false">
<input id="q" type="search" placeholder="Search ( / )" aria-label="Search" autocomplete="off"
  spellcheck="false">
</form>
<div id="found" role="region" aria-label="What was found" aria-live="polite" hidden></div>
</header>
<div class="frame">
<nav class="menu" aria-label="Pages">
<details class="all"><summary>Pages</summary>
<div class="groups">${menuHtml(menu, page)}</div></details>
</nav>
<main id="content">
<article>
${page.html}
</article>
<footer>Made from <code>${escapeHtml(page.path)}</code> by <code>npm run docs:site</code>.</footer>
</main>
${contentsHtml(page)}
</div>
</body>
</html>
`
}

/** A folder that pages link to, as a list of its files. */
export function folderPage(folder, names) {
  const items = names.map(
    (name) => `<li><a href="${escapeHtml(name)}">${escapeHtml(name)}</a></li>`,
  )
  return {
    path: folder,
    place: posix.join(folder, 'index.html'),
    title: folder,
    html: `<h1>${escapeHtml(folder)}</h1><ul>${items.join('')}</ul>`,
    sections: [],
  }
}
