/**
 * The exit codes of opengslb-cli, a promise to scripts: a code never changes its meaning.
 */
export const exitCodes = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  unsafe: 4,
} as const

export type ExitName = keyof typeof exitCodes

/** What each code says, for the help text and the reference page. */
export const exitMeanings: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  refused: 'the server refused, or what was looked at is not valid',
  usage: 'the command line is wrong',
  unreachable: 'the API was not reached',
  unsafe: 'the answer is no: not healthy, not ready, not safe to stop in the time given',
}
