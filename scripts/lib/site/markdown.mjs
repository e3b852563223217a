/**
 * Markdown to HTML, for the part of Markdown that the pages of this project use: headings,
 * paragraphs, nested lists, tables, fences, quotes, code, links, images, emphasis, comments.
 *
 * What stands in a page is text to it: raw HTML is shown as it is written, never passed on. Anchors
 * are those of the repository's own viewer, so that a link works in both.
 */

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (char) => entities[char])

/** The anchor of a heading: lower case, punctuation gone, blanks as dashes. */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

/** What a reader sees of a line of Markdown. */
export const plainOf = (text) =>
  text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\\(.)/g, '$1')

const INLINE = new RegExp(
  [
    '(`+)(.+?)\\1',
    '!\\[([^\\]]*)\\]\\(([^)\\s]+)[^)]*\\)',
    // The label of a link may hold an image, or brackets of one.
    '\\[((?:[^[\\]]|!?\\[[^\\]]*\\]\\([^)]*\\))+)\\]\\(([^)\\s]+)[^)]*\\)',
    '<(https?:[^>\\s]+)>',
    '\\*\\*(.+?)\\*\\*',
    '(?<![\\w*])\\*([^*\\s](?:[^*]*[^*\\s])?)\\*(?!\\w)',
    '\\\\([\\\\`*_{}[\\]()#+.!|<>-])',
  ].join('|'),
  'g',
)

/** One paragraph's worth of text. `link` turns a target as written into one of the site. */
function inline(text, link) {
  let html = ''
  let from = 0
  for (const match of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(from, match.index)) + inlineHtml(match, link)
    from = match.index + match[0].length
  }
  return html + escapeHtml(text.slice(from))
}

function inlineHtml(match, link) {
  const [, ticks, code, alt, source, label, target, url, strong, emphasis, escaped] = match
  if (ticks !== undefined) return `<code>${escapeHtml(code.trim())}</code>`
  if (source !== undefined)
    return `<img src="${escapeHtml(link(source))}" alt="${escapeHtml(alt)}" loading="lazy">`
  if (target !== undefined)
    return `<a href="${escapeHtml(link(target))}">${inline(label, link)}</a>`
  if (url !== undefined) return `<a href="${escapeHtml(url)}">${escapeHtml(url)}</a>`
  if (strong !== undefined) return `<strong>${inline(strong, link)}</strong>`
  if (emphasis !== undefined) return `<em>${inline(emphasis, link)}</em>`
  return escapeHtml(escaped)
}

const ITEM = /^( *)([-*]|\d{1,9}\.) +/
const FENCE = /^ *```+([^`]*)$/
const startsBlock = (line) =>
  /^#{1,6} /.test(line) || FENCE.test(line) || /^ {0,3}(?:[-*]|1\.) /.test(line) || /^>/.test(line)

class Page {
  constructor(link) {
    this.link = link
    this.sections = []
    this.anchors = new Map()
  }

  /** Lines to HTML; `isInside` for what stands in a list or a quote. */
  blocks(lines, isInside = false) {
    const html = []
    let at = 0
    while (at < lines.length) {
      const [piece, next] = this.block(lines, at, isInside)
      if (piece !== '') html.push(piece)
      at = next
    }
    return html.join('\n')
  }

  block(lines, at, isInside) {
    const line = lines[at]
    if (line.trim() === '') return ['', at + 1]
    if (line.startsWith('<!--')) {
      const end = lines.findIndex((one, i) => i >= at && one.includes('-->'))
      return ['', (end < 0 ? lines.length : end) + 1]
    }
    if (FENCE.test(line)) return this.fence(lines, at)
    const heading = /^(#{1,6}) +(.*)$/.exec(line)
    if (heading !== null) return [this.heading(heading[1].length, heading[2].trim()), at + 1]
    if (line.startsWith('|') && /^\|[\s:|-]+\|?\s*$/.test(lines[at + 1] ?? ''))
      return this.table(lines, at)
    if (ITEM.test(line)) return this.list(lines, at)
    if (line.startsWith('>')) return this.quote(lines, at)
    return this.paragraph(lines, at, isInside)
  }

  paragraph(lines, at) {
    let end = at + 1
    while (end < lines.length && lines[end].trim() !== '' && !startsBlock(lines[end])) end++
    const text = lines.slice(at, end).map((one) => one.trim())
    this.say(text.join(' '))
    return [`<p>${inline(text.join('\n'), this.link)}</p>`, end]
  }

  heading(level, text) {
    const plain = plainOf(text)
    const base = anchorOf(text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1'))
    const count = this.anchors.get(base) ?? 0
    this.anchors.set(base, count + 1)
    const anchor = count === 0 ? base : `${base}-${count}`
    this.sections.push({ heading: plain, anchor, level, text: [] })
    const sign = ` <a class="here" href="#${anchor}" aria-label="Link to this section">#</a>`
    const inner = `${inline(text, this.link)}${level > 1 ? sign : ''}`
    return `<h${level} id="${anchor}">${inner}</h${level}>`
  }

  fence(lines, at) {
    const indent = lines[at].search(/\S/)
    const words = (FENCE.exec(lines[at])?.[1] ?? '').trim().split(/\s+/)
    let end = at + 1
    while (end < lines.length && !/^ *```+ *$/.test(lines[end])) end++
    const text = lines
      .slice(at + 1, end)
      .map((one) => one.replace(new RegExp(`^ {0,${indent}}`), ''))
    this.say(text.join(' '))
    const html = text.map((one) =>
      one.startsWith('#> ')
        ? `<span class="seen">${escapeHtml(one.slice(3))}</span>`
        : escapeHtml(one),
    )
    const label = escapeHtml(words[0] || 'text')
    return [`<pre tabindex="0" data-is="${label}"><code>${html.join('\n')}</code></pre>`, end + 1]
  }

  table(lines, at) {
    let end = at + 2
    while (end < lines.length && lines[end].startsWith('|')) end++
    const [head, , ...rows] = lines.slice(at, end).map(cellsOf)
    const right = cellsOf(lines[at + 1]).map((one) => /-:$/.test(one))
    const row = (cells, tag) =>
      `<tr>${cells
        .map((cell, i) => {
          this.say(cell)
          return `<${tag}${right[i] ? ' class="r"' : ''}>${inline(cell, this.link)}</${tag}>`
        })
        .join('')}</tr>`
    const hasHead = head.some((cell) => cell !== '')
    const top = hasHead ? `<thead>${row(head, 'th')}</thead>` : ''
    const body = rows.map((cells) => row(cells, 'td')).join('\n')
    return [
      `<div class="table" tabindex="0"><table>${top}<tbody>\n${body}\n</tbody></table></div>`,
      end,
    ]
  }

  list(lines, at) {
    const first = ITEM.exec(lines[at])
    const isOrdered = /\d/.test(first[2])
    const start = isOrdered ? Number.parseInt(first[2], 10) : 1
    const items = []
    let end = at
    while (end < lines.length) {
      const item = ITEM.exec(lines[end])
      if (item === null || item[1].length !== first[1].length) break
      if (/\d/.test(item[2]) !== isOrdered) break
      const [own, next] = itemLines(lines, end, item[0].length)
      items.push(own)
      end = next
    }
    const html = items.map((own) => `<li>${this.item(own)}</li>`).join('\n')
    const [open, close] = isOrdered
      ? [start === 1 ? '<ol>' : `<ol start="${start}">`, '</ol>']
      : ['<ul>', '</ul>']
    return [`${open}\n${html}\n${close}`, end]
  }

  /** An item without a blank line in it stands without paragraphs of its own. */
  item(lines) {
    const html = this.blocks(lines, true)
    return lines.some((line) => line.trim() === '')
      ? html
      : html.replace(/^<p>([\s\S]*?)<\/p>/, '$1')
  }

  quote(lines, at) {
    let end = at
    while (end < lines.length && lines[end].startsWith('>')) end++
    const own = lines.slice(at, end).map((line) => line.replace(/^> ?/, ''))
    return [`<blockquote>${this.blocks(own, true)}</blockquote>`, end]
  }

  /** Text for the search, of the section it stands in. */
  say(text) {
    this.sections.at(-1)?.text.push(plainOf(text))
  }
}

/** The lines of one item, its indent taken off, and where the next begins. */
function itemLines(lines, at, indent) {
  const own = [lines[at].slice(indent)]
  let end = at + 1
  for (; end < lines.length; end++) {
    const line = lines[end]
    if (line.trim() === '') {
      const next = lines.slice(end).find((one) => one.trim() !== '')
      if (next === undefined || next.search(/\S/) < indent) break
      own.push('')
    } else if (line.search(/\S/) >= indent) own.push(line.slice(indent))
    else if (ITEM.test(line) || startsBlock(line) || own.at(-1) === '') break
    else own.push(line.trim())
  }
  return [own, end]
}

/** Cells of a row; a bar behind a backslash does not part them, in code either. */
function cellsOf(line) {
  const cells = line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)
  return cells.map((cell) => cell.replaceAll('\\|', '|').trim())
}

/**
 * A page: its HTML, its title, and its sections with their text, for the search.
 *
 * @param text Markdown
 * @param link gives the target of a link as the page shall have it
 */
export function render(text, link = (target) => target) {
  const page = new Page(link)
  const html = page.blocks(text.replace(/\r\n?/g, '\n').split('\n'))
  const sections = page.sections.map((one) => ({ ...one, text: one.text.join(' ') }))
  return { html, title: sections[0]?.heading ?? '', sections }
}
