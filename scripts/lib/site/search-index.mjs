/**
 * What the search looks through: every section with its words, as a script, since a page opened
 * from a disk may load scripts and nothing else.
 */

/** Sections longer than this are cut; what they are about stands at their begin. */
const MOST_CHARS = 4_000

/** @returns sections as `[place, page, heading, text]`, those of people's pages first */
export function sectionsOf(pages) {
  return [...pages]
    .sort((a, b) => Number(a.group > 2) - Number(b.group > 2))
    .flatMap(({ place, title, sections }) =>
      sections.map(({ heading, anchor, level, text }) => [
        level === 1 ? place : `${place}#${anchor}`,
        title,
        heading,
        text.replace(/\s+/g, ' ').slice(0, MOST_CHARS),
      ]),
    )
}

/** The script; what could end it early is written as an escape. */
export const indexScript = (pages) =>
  `window.searchSections=${JSON.stringify(sectionsOf(pages)).replaceAll('<', '\\u003c')}\n`
