// Goal: dashboards and alerts speak of metrics there are, or that wait for their feature by name.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  dashboards,
  expressions,
  labelsIn,
  metricsIn,
  type Panel,
  ruleFiles,
} from '../../harness/promql.ts'
import { filesUnder, mask, root } from '../../harness/source.ts'

const code = filesUnder(['src/actors', 'src/kernel', 'src/bootstrap.ts'], /\.ts$/)
const real = new Set(
  code.flatMap(({ text }) =>
    [...mask(text, ['comment']).matchAll(/\bopengslb_[a-z0-9_]*[a-z0-9]/g)].map(([name]) => name),
  ),
)
const unknownIn = (text: string) =>
  metricsIn(text).filter((name) => name.startsWith('opengslb_') && !real.has(name))

test('names and labels are found in an expression', () => {
  const text =
    'sum by (instance, le) (rate(opengslb_a_seconds_bucket{job=~"x", b!="y"}[5m])) / on (c) opengslb_d'
  expect(metricsIn(text)).toEqual(['opengslb_a_seconds', 'opengslb_d'])
  expect([...labelsIn(text)].sort()).toEqual(['b', 'c', 'instance', 'job', 'le'])
  expect(unknownIn('opengslb_no_such_thing > 0')).toEqual(['opengslb_no_such_thing'])
})

test('every metric of dashboards and alerts is there', () => {
  const all = expressions()
  expect(all.length).toBeGreaterThan(80)
  const faults = all.flatMap(({ where, text }) =>
    unknownIn(text).map((name) => `${where}: ${name}`),
  )
  expect(faults).toEqual([])
})

describe('alerts', () => {
  const rules = ruleFiles().flatMap(({ rules: all }) => all)
  const page = readFileSync(join(root, 'docs/operations/alerts.md'), 'utf8')

  test('each has a name of its own, a severity and texts', () => {
    const names = rules.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    for (const { alert, labels, annotations } of rules) {
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity)
      expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'runbook'])
      expect(annotations['runbook']).toBe(`docs/operations/alerts.md#${alert.toLowerCase()}`)
    }
  })

  test('each has its section on the page, with its severity, and the page has no others', () => {
    const sections = [...page.matchAll(/^### (\S+)\n\n\*\*(\w+)\*\*/gm)].map(
      ([, name, severity]) => `${name} ${severity}`,
    )
    const wanted = rules.map(({ alert, labels }) => `${alert} ${labels.severity}`)
    expect(sections.sort()).toEqual(wanted.sort())
  })
})

describe('dashboards', () => {
  const apart = (one: Panel, two: Panel) =>
    one.gridPos.x + one.gridPos.w <= two.gridPos.x ||
    two.gridPos.x + two.gridPos.w <= one.gridPos.x ||
    one.gridPos.y + one.gridPos.h <= two.gridPos.y ||
    two.gridPos.y + two.gridPos.h <= one.gridPos.y

  for (const { name, board } of dashboards())
    test(`${name}: panels have ids of their own, a text each, and do not overlap`, () => {
      const { panels } = board
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      for (const panel of panels) {
        if (panel.type !== 'row') expect(panel.description ?? '', panel.title).not.toBe('')
        expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24)
        for (const other of panels)
          if (other !== panel)
            expect(apart(panel, other), `${panel.title}, ${other.title}`).toBe(true)
      }
    })

  test('have ids and titles of their own', () => {
    const all = dashboards().map(({ board }) => board)
    expect(all.length).toBeGreaterThan(3)
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length)
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length)
  })
})
