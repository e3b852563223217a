/**
 * docs/reference/cli.md, out of the commands themselves.
 */
import type { Argument, Command, Option } from 'commander'
import { exitCodes, exitMeanings, type ExitName } from './exit-codes.ts'
import { programOf } from './main.ts'

const silent = { out: () => {}, err: () => {}, env: {} }

/** The reference page of opengslb-cli, Markdown. */
export function cliMarkdown(): string {
  const program = programOf(silent)
  const commands = program.commands.filter((one) => one.name() !== 'help')
  return `${[
    '# opengslb-cli',
    'Made from the commands by `npm run generate`; `opengslb-cli --help` prints the same.',
    `\`\`\`text\nopengslb-cli [options] <command> [arguments]\n\`\`\``,
    '## Options of every command',
    [
      'They may stand before or after the command. An option wins over its environment variable.',
      'Tables are for people: colour comes only on a terminal, and never with `NO_COLOR`. `--json`',
      'prints the answer as indented JSON, and an error as an object on standard error.',
    ].join('\n'),
    optionTable(program.options.filter((one) => !/^--version/.test(one.long ?? ''))),
    '## Exit codes',
    rows(['code', 'meaning'], Object.entries(exitMeanings).map(exitRow)),
    '## Commands',
    ...commands.flatMap((one) => section(one, '')),
  ].join('\n\n')}\n`
}

const exitRow = ([name, meaning]: [string, string]): string[] => [
  String(exitCodes[name as ExitName]),
  meaning,
]

/** A command with its sub-commands; a group itself only says what it is about. */
function section(command: Command, path: string): string[] {
  const name = `${path}${command.name()}`
  const inner = command.commands.filter((one) => one.name() !== 'help')
  if (inner.length > 0) {
    const about = `### ${name}\n\n${sentence(command.description())}`
    return [about, ...inner.flatMap((one) => section(one, `${name} `))]
  }
  const words = command.registeredArguments.map(argumentText)
  const usage = ['opengslb-cli', name, ...words, ...optionsHint(command)].join(' ')
  return [
    `${path === '' ? '###' : '####'} ${name}`,
    sentence(command.description()),
    `\`\`\`text\n${usage}\n\`\`\``,
    ...(command.registeredArguments.length === 0 ? [] : [argumentTable(command)]),
    ...(command.options.length === 0 ? [] : [optionTable(command.options)]),
  ]
}

const optionsHint = (command: Command) => (command.options.length === 0 ? [] : ['[options]'])

const argumentText = (one: Argument): string => {
  const name = `${one.name()}${one.variadic ? '...' : ''}`
  return one.required ? `<${name}>` : `[${name}]`
}

const argumentTable = (command: Command): string =>
  rows(
    ['argument', 'meaning'],
    command.registeredArguments.map((one) => [
      `\`${one.name()}\``,
      one.description || (one.argChoices ?? []).join(', '),
    ]),
  )

const optionTable = (options: readonly Option[]): string =>
  rows(['option', 'default', 'meaning'], options.map(optionRow))

function optionRow(one: Option): string[] {
  const { defaultValue: value } = one
  const isShown = value !== undefined && value !== '' && !(Array.isArray(value) && !value.length)
  const needed = one.mandatory ? 'required: ' : ''
  const shown = isShown ? `\`${String(value)}\`` : ''
  return [`\`${one.flags}\``, shown, `${needed}${one.description}`]
}

function rows(headers: readonly string[], cells: readonly (readonly string[])[]): string {
  const line = (one: readonly string[]) =>
    `| ${one.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headers), `|${headers.map(() => '---').join('|')}|`, ...cells.map(line)].join('\n')
}

const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
