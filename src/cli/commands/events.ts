/**
 * `events`: what happened, from the log of the node, and what happens now.
 */
import type { Command } from 'commander'
import { FEED_PATH, type FeedEvent, follow, type Gap, type Page, queryOf } from '../feed.ts'
import { type Io, type Shell, shellOf, wrongUsage } from '../shell.ts'
import { plain } from '../table.ts'

interface Options {
  readonly follow?: boolean
  readonly topic: readonly string[]
  readonly service: readonly string[]
  readonly region: readonly string[]
  readonly from?: string
  readonly limit: string
}

/** `--topic health,drain --topic config` names three. */
const collect = (text: string, before: readonly string[]): string[] => [
  ...before,
  ...text.split(',').filter((one) => one !== ''),
]

export function addEvents(program: Command, io: Io): void {
  program
    .command('events')
    .description('show what happened, and with --follow what happens')
    .option('-f, --follow', 'stay, and show events as they come; Ctrl-C ends it')
    .option('--topic <names>', 'only of these topics, such as health,drain', collect, [])
    .option('--service <names>', 'only of these services', collect, [])
    .option('--region <names>', 'only of these regions', collect, [])
    .option('--from <number>', 'from this event on')
    .option('--limit <number>', 'at most so many, without --follow', '100')
    .action(async (options: Options, command: Command) => {
      const shell = shellOf(command, io)
      const from = options.from === undefined ? undefined : numberOf('--from', options.from)
      const { topic: topics, service: services, region: regions } = options
      const wanted = { topics, services, regions, from }
      if (options.follow === true) return await watch(shell, wanted)
      const limit = String(numberOf('--limit', options.limit))
      const page = await shell.get<Page>('GET', FEED_PATH + queryOf(wanted, { limit }))
      shell.print(page, ({ events }) =>
        events.length === 0 ? 'No events.' : events.map(lineOf).join('\n'),
      )
    })
}

function numberOf(option: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  throw wrongUsage(`${option}: "${text}" is not a number`)
}

/** With `--json` each line is one event. */
async function watch(shell: Shell, wanted: Parameters<typeof follow>[1]): Promise<void> {
  const { io, json } = shell
  const show = (one: FeedEvent | Gap) => io.out(json ? JSON.stringify(one) : lineOf(one))
  const note = (text: string) => io.err(`Note: ${plain(text)}`)
  await follow(shell, wanted, { event: show, gap: show, note }, io.stopped)
}

/** One line: number, time, topic and kind, whom it is about, and its data. */
export function lineOf(one: FeedEvent | Gap): string {
  if (!('topic' in one))
    return `${one.from}-${one.to}  gap  these events are missing (${one.reason ?? 'unknown'})`
  const { number, at, topic, kind, service, region, data } = one
  const about = [service, region].filter((name) => name !== undefined && name !== '').join(' ')
  const told = Object.entries(data).map(([name, value]) => `${name}=${shown(value)}`)
  const cells = [number ?? 'live', at, `${topic}.${kind}`, about, told.join(' ')]
  return plain(cells.filter((cell) => cell !== '').join('  '))
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text
}
