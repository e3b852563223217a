/**
 * The terminal that reads the output: its size, raw writing, and keys.
 */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  /** Writes as it is, without a line break. */
  write(text: string): void
  /** Hands over each key until the function returned is called; keys are not echoed meanwhile. */
  keys(heard: (key: string) => void): () => void
}

/** The terminal of this process; undefined when standard output is none. */
export function ownTerminal(): Terminal | undefined {
  const { stdin, stdout } = process
  if (!stdout.isTTY) return undefined
  return {
    get columns() {
      return stdout.columns || 80
    },
    get rows() {
      return stdout.rows || 24
    },
    write: (text) => void stdout.write(text),
    keys: (heard) => {
      if (!stdin.isTTY) return () => {}
      const listen = (chunk: Buffer) => heard(chunk.toString())
      stdin.setRawMode(true)
      stdin.on('data', listen)
      stdin.resume()
      return () => {
        stdin.off('data', listen)
        stdin.setRawMode(false)
        stdin.pause()
      }
    },
  }
}

/** Replaces the line the cursor is on. */
export const rewritten = (terminal: Terminal, text: string): void =>
  terminal.write(`\r\u001b[K${text.slice(0, Math.max(1, terminal.columns - 1))}`)
