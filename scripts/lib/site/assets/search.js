/**
 * The search of the site. The index is loaded when somebody begins to search; nothing is asked of
 * any server but for that one file beside the pages.
 */
'use strict'
;(() => {
  const up = document.currentScript.dataset.up
  const MOST_SHOWN = 20
  const SNIPPET = 160
  const input = document.getElementById('q')
  const found = document.getElementById('found')
  const menu = document.querySelector('.menu .all')
  let sections
  let chosen = -1

  // On a wide window the menu stands open beside the text.
  const isWide = matchMedia('(min-width: 60rem)')
  const setMenu = () => {
    menu.open = isWide.matches
  }
  isWide.addEventListener('change', setMenu)
  setMenu()

  /** The index, once. */
  function load() {
    if (sections !== undefined) return sections
    sections = new Promise((resolve) => {
      const script = document.createElement('script')
      script.src = `${up}/search-index.js`
      script.onload = () => resolve(window.searchSections)
      script.onerror = () => resolve([])
      document.head.append(script)
    })
    return sections
  }

  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean)

  /** How well a section fits: a word in the heading counts most, every word must be somewhere. */
  function scoreOf([place, title, heading, text], words) {
    const [head, page, body] = [heading, title, text].map((one) => one.toLowerCase())
    let score = place.startsWith('docs/reference/') || place.startsWith('docs/adr/') ? 0 : 2
    for (const word of words) {
      if (head.includes(word)) score += head === word ? 30 : 12
      else if (page.includes(word)) score += 6
      else if (body.includes(word)) score += 2
      else return 0
    }
    if (words.length > 1 && body.includes(words.join(' '))) score += 5
    return score
  }

  function marked(text, words) {
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - SNIPPET / 3)
    const cut = text.slice(at, at + SNIPPET)
    const shown = `${at > 0 ? '…' : ''}${cut}${at + SNIPPET < text.length ? '…' : ''}`
    const line = document.createElement('p')
    const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    for (const [i, part] of shown.split(new RegExp(`(${escaped.join('|')})`, 'gi')).entries()) {
      const node = i % 2 === 0 ? document.createTextNode(part) : document.createElement('mark')
      if (i % 2 === 1) node.textContent = part
      line.append(node)
    }
    return line
  }

  function rowOf([place, title, heading, text], words) {
    const row = document.createElement('a')
    row.href = `${up}/${place}`
    const head = document.createElement('strong')
    head.textContent = heading === title ? title : `${title} › ${heading}`
    row.append(head, marked(text, words))
    return row
  }

  async function search() {
    const words = wordsOf(input.value)
    if (words.length === 0) {
      found.hidden = true
      return
    }
    const all = await load()
    const scored = []
    for (const section of all) {
      const score = scoreOf(section, words)
      if (score > 0) scored.push([score, section])
    }
    scored.sort((a, b) => b[0] - a[0])
    chosen = -1
    const rows = scored.slice(0, MOST_SHOWN).map(([, section]) => rowOf(section, words))
    const note = document.createElement('p')
    note.className = 'count'
    note.textContent = scored.length === 0 ? 'Nothing was found.' : `${scored.length} sections`
    found.replaceChildren(note, ...rows)
    found.hidden = false
  }

  function choose(step) {
    const rows = found.querySelectorAll('a')
    if (rows.length === 0) return
    chosen = (chosen + step + rows.length) % rows.length
    rows[chosen].focus()
  }

  input.addEventListener('focus', load)
  input.addEventListener('input', search)
  document.addEventListener('keydown', (event) => {
    const isTyping = /^(?:input|textarea|select)$/i.test(document.activeElement?.tagName ?? '')
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      input.focus()
    } else if (event.key === 'Escape' && !found.hidden) {
      found.hidden = true
      input.focus()
    } else if (!found.hidden && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      choose(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'Enter' && document.activeElement === input) {
      found.querySelector('a')?.click()
    }
  })
  // A link to a place of this very page closes the list.
  found.addEventListener('click', (event) => {
    if (event.target.closest('a') !== null) found.hidden = true
  })
})()
