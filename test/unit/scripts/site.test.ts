// Goal: Markdown of the pages becomes the HTML it stands for, nothing of a page becomes HTML by
// itself, and every link of the site leads to something.
// Method: small texts; the real pages, made into HTML and looked through as files.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Section {
  readonly heading: string
  readonly anchor: string
  readonly text: string
}
interface Markdown {
  render(
    text: string,
    link?: (target: string) => string,
  ): { html: string; title: string; sections: Section[] }
}
interface Site {
  writeSite(out: string): { pages: number; files: number; broken: string[] }
}
const from = (path: string) => new URL(`../../../scripts/${path}`, import.meta.url).href
const { render } = (await import(from('lib/site/markdown.mjs'))) as Markdown
const { writeSite } = (await import(from('site.mjs'))) as Site

describe('Markdown', () => {
  for (const [what, text, html] of [
    ['a paragraph over two lines', 'one\ntwo', '<p>one\ntwo</p>'],
    [
      'emphasis and code',
      '**a** *b* `c<d`',
      '<p><strong>a</strong> <em>b</em> <code>c&lt;d</code></p>',
    ],
    ['code with ticks in it', '`` a`b ``', '<p><code>a`b</code></p>'],
    ['stars that are none', '2 * 3 * 4, **/*.ts', '<p>2 * 3 * 4, **/*.ts</p>'],
    [
      'HTML as text',
      '<script>alert(1)</script> & "x"',
      '<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;</p>',
    ],
    ['a comment as nothing', '<!-- a\nb -->\nc', '<p>c</p>'],
    ['a link with code in it', '[`a`](b.md#c)', '<p><a href="b.md#c"><code>a</code></a></p>'],
    [
      'an image',
      '![a "b"](c.png)',
      '<p><img src="c.png" alt="a &quot;b&quot;" loading="lazy"></p>',
    ],
    ['a tight list', '- a\n- b\n  c', '<ul>\n<li>a</li>\n<li>b\nc</li>\n</ul>'],
    [
      'a list in a list',
      '1. a\n   - b\n2. c',
      '<ol>\n<li>a\n<ul>\n<li>b</li>\n</ul></li>\n<li>c</li>\n</ol>',
    ],
    ['a list that begins at three', '3. a', '<ol start="3">\n<li>a</li>\n</ol>'],
    ['a quote', '> a\n> b', '<blockquote><p>a\nb</p></blockquote>'],
  ] as const)
    test(`has ${what}`, () => expect(render(text).html).toBe(html))

  test('has tables with bars in cells, and columns of figures to the right', () => {
    const { html } = render('| a | b |\n|---|--:|\n| `x\\|y` | 1 |\n| p \\| ``q `` | 2 |')
    expect(html).toContain('<td><code>x|y</code></td><td class="r">1</td>')
    expect(html).toContain('<td>p | <code>q</code></td>')
    expect(html).toContain('<th class="r">b</th>')
  })

  test('has blocks of code inside of lists, without their indent', () => {
    const { html } = render('1. a\n\n   ```\n   b\n     c\n   ```\n\n   d\n2. e')
    expect(html).toContain('<code>b\n  c</code>')
    expect(html).toContain('<p>d</p>')
    expect(html.match(/<ol/g)).toHaveLength(1)
  })

  test('shows what a command prints as such', () => {
    const { html } = render('```sh run\ndig\n#> NOERROR\n```')
    expect(html).toContain('data-is="sh"><code>dig\n<span class="seen">NOERROR</span></code>')
  })

  test('gives headings the anchors that links use, each once', () => {
    const { sections, title } = render('# `A` & b\n## Same\nx\n## Same\ny')
    expect(title).toBe('A & b')
    expect(sections.map(({ anchor }) => anchor)).toEqual(['a--b', 'same', 'same-1'])
    expect(sections.map(({ text }) => text)).toEqual(['', 'x', 'y'])
  })
})

describe('the site', () => {
  const out = join(mkdtempSync(join(tmpdir(), 'opengslb-site-')), 'site')
  let made: ReturnType<Site['writeSite']>
  beforeAll(() => {
    made = writeSite(out)
  })
  afterAll(() => rmSync(dirname(out), { recursive: true, force: true }))

  const pages = () =>
    readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.html'))
      .map((path) => ({ path, html: readFileSync(join(out, path), 'utf8') }))

  test('has a page for every page of the repository', () => {
    expect(made.broken).toEqual([])
    expect(made.pages).toBeGreaterThan(60)
    for (const place of ['index.html', 'docs/guides/overwatch.html', 'docs/reference/cli.html'])
      expect(existsSync(join(out, place)), place).toBe(true)
  })

  test('has something at the end of every link of its own, and of every image', () => {
    const broken = pages().flatMap(({ path, html }) =>
      [...html.matchAll(/(?:href|src)="([^"#]*)(?:#([^"]*))?"/g)].flatMap(([, target, anchor]) => {
        if (/^[a-z]+:/.test(target ?? '')) return []
        const file = join(out, target === '' ? path : join(dirname(path), target ?? ''))
        if (!existsSync(file)) return [`${path}: ${target}`]
        if (anchor === undefined || !file.endsWith('.html')) return []
        const isThere = readFileSync(file, 'utf8').includes(`id="${anchor}"`)
        return isThere ? [] : [`${path}: ${target}#${anchor}`]
      }),
    )
    expect(broken).toEqual([])
  })

  test('loads nothing from elsewhere', () => {
    const loads = /<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?\/\//
    for (const { path, html } of pages()) expect(loads.test(html), path).toBe(false)
    const css = readFileSync(join(out, 'site.css'), 'utf8')
    expect(css).not.toMatch(/url\(|@import/)
  })

  test('has every heading in what the search looks through', () => {
    const script = readFileSync(join(out, 'search-index.js'), 'utf8')
    const text = script.replace(/^window\.searchSections=/, '')
    const found = JSON.parse(text) as [string, string, string, string][]
    expect(found.find(([, , heading]) => heading === 'REFUSED')?.[0]).toBe(
      'docs/operations/troubleshooting.html#refused',
    )
    expect(found.some(([, , , words]) => words.includes('zones'))).toBe(true)
    expect(script).not.toContain('</')
  })

  test('never takes the place of something else', () => {
    const other = join(dirname(out), 'other')
    writeSite(other)
    writeSite(other)
    rmSync(join(other, 'search-index.js'))
    expect(() => writeSite(other)).toThrow('something else')
    writeFileSync(join(dirname(out), 'note'), 'kept')
    expect(() => writeSite(dirname(out))).toThrow('something else')
  })
})
