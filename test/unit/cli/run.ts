/** Runs one command line and keeps what it wrote. */
import { run } from '../../../src/cli/main.ts'

export async function cli(argv: readonly string[], env: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text), env }
  const code = await run(argv, { ...io, out: (t) => void io.out(t), err: (t) => void io.err(t) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}
