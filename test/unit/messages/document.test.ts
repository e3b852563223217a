/** Goal: the page of messages names every message, field and edge. */
import { expect, test } from 'vitest'
import { catalogue } from '../../../src/messages/catalogue.ts'
import { messagesMarkdown } from '../../../src/messages/document.ts'

test('the page holds every message of the catalogue with its fields', () => {
  const page = messagesMarkdown()
  for (const [name, entry] of Object.entries(catalogue)) {
    expect(page).toContain(`## ${name}\n`)
    expect(page).toContain(entry.doc)
    for (const field of Object.keys(entry.fields)) expect(page).toContain(`| \`${field}\` |`)
  }
})
