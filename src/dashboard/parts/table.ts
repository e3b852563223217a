/**
 * Tables: a heading for every column, one cell of each row as its heading, and on a narrow screen
 * each row as a block of its own, with the heading of the column beside each value.
 */
import type { ComponentChildren, VNode } from 'preact'
import { h } from '../h.ts'
import { quiet } from './panel.ts'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** Aligned to the right, as figures are. */
  readonly isFigure?: boolean
  /** Prose, which may be broken into lines. */
  readonly isLong?: boolean
  /** Names the row; the first column where none does. */
  readonly isName?: boolean
  /** The heading is read aloud and not shown. */
  readonly isSilent?: boolean
}

interface TableProps<Row> {
  /** Read aloud, not shown. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** Said in place of an empty table. */
  readonly empty: string
}

export function dataTable<Row>({ caption, columns, rows, keyOf, empty }: TableProps<Row>): VNode {
  if (rows.length === 0) return quiet(empty)
  const name = columns.find(({ isName }) => isName === true) ?? columns[0]
  return h(
    'div',
    // What scrolls must be reachable by keyboard.
    { class: 'scroller', tabIndex: 0, role: 'group', 'aria-label': `${caption}, scrolls` },
    h(
      'table',
      null,
      h('caption', { class: 'aloud' }, caption),
      h('thead', null, h('tr', null, columns.map(headOf))),
      h(
        'tbody',
        null,
        rows.map((row) =>
          h(
            'tr',
            { key: keyOf(row) },
            columns.map((column) => cellOf(column, row, column === name)),
          ),
        ),
      ),
    ),
  )
}

const classOf = ({ isFigure, isLong }: Column<never>) =>
  isFigure === true ? 'right' : isLong === true ? 'long' : ''

const headOf = <Row>(column: Column<Row>): VNode =>
  h(
    'th',
    { key: column.title, scope: 'col', class: classOf(column as Column<never>) },
    column.isSilent === true ? h('span', { class: 'aloud' }, column.title) : column.title,
  )

const cellOf = <Row>(column: Column<Row>, row: Row, isName: boolean): VNode =>
  h(
    isName ? 'th' : 'td',
    {
      key: column.title,
      class: classOf(column as Column<never>),
      'data-label': column.isSilent === true ? '' : column.title,
      ...(isName ? { scope: 'row' } : {}),
    },
    h('span', { class: 'cell' }, column.cell(row)),
  )
