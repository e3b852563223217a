/**
 * Standard output, where a line that was not written is a failure of the command: whoever keeps a
 * list or a converted file must not take a part of it for the whole.
 */
import { fstatSync, writeFileSync } from 'node:fs'
import { exitCodes } from './exit-codes.ts'

/** What is used of `process.stdout`. */
export interface OutStream {
  readonly fd: number
  readonly isTTY?: boolean
  write(text: string): unknown
  on(event: 'error', heard: (error: NodeJS.ErrnoException) => void): unknown
}

/** Writes lines; `lost` is told why one was not written, and ends the process. */
export function linesTo(
  stream: OutStream,
  lost: (error: NodeJS.ErrnoException) => void,
): (text: string) => void {
  stream.on('error', lost)
  const kind = fstatSync(stream.fd)
  if (stream.isTTY || kind.isFIFO() || kind.isSocket())
    return (text) => void stream.write(`${text}\n`)
  // Node takes what a full disk cut short for written; this goes on until all is, or it fails.
  return (text) => {
    try {
      writeFileSync(stream.fd, `${text}\n`)
    } catch (error) {
      lost(error as NodeJS.ErrnoException)
    }
  }
}

/** The exit code, and what to say. A reader that closes the pipe (`| head`) is no failure. */
export const lossOf = (error: NodeJS.ErrnoException): { code: number; text?: string } =>
  error.code === 'EPIPE'
    ? { code: exitCodes.ok }
    : { code: exitCodes.refused, text: `Error: the output is not whole: ${error.message}` }
