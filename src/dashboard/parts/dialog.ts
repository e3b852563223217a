/**
 * Dialogs. The browser's own: it keeps the focus inside, closes at Escape and gives the focus back.
 */
import type { ComponentChildren, FunctionComponent, VNode } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { h } from '../h.ts'
import { Cell } from '../cell.ts'
import { useCell } from '../use-cell.ts'

type Content = FunctionComponent<{ close: () => void }>

const open = new Cell<{ readonly content: Content } | undefined>(undefined)

export const showDialog = (content: Content): void => open.set({ content })

/** Where the dialog that is open appears; the page has one. */
export function DialogHost(): VNode | null {
  const shown = useCell(open)
  return shown === undefined ? null : h(Modal, { content: shown.content })
}

function Modal({ content }: { readonly content: Content }): VNode {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    if (dialog?.open === false) dialog.showModal()
  }, [])
  const close = () => element.current?.close()
  return h(
    'dialog',
    {
      ref: element,
      'aria-labelledby': 'dialog-title',
      onClose: () => open.set(undefined),
      // A click beside it lands on the dialog itself, outside of its one child.
      onClick: (event: MouseEvent) => {
        if (event.target === element.current) close()
      },
    },
    h('div', { class: 'dialog-body' }, h(content, { close })),
  )
}

export const dialogTitle = (text: string): VNode => h('h2', { id: 'dialog-title' }, text)

interface FieldProps {
  readonly label: string
  readonly hint?: string
  /** Given the id and the id of the hint. */
  readonly control: (props: { id: string; 'aria-describedby'?: string }) => ComponentChildren
}

/** A label with its control. */
export function Field({ label, hint, control }: FieldProps): VNode {
  const id = useId()
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    control({ id, ...described }),
    hint === undefined ? null : h('p', { id: `${id}-hint`, class: 'hint' }, hint),
  )
}
