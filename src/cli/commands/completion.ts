/**
 * `completion`: a script that completes commands and options, made from the program itself.
 *
 * The words are laid down in the script, by the path of commands typed so far; nothing is run at
 * each press of a key.
 */
import { type Command, Argument } from 'commander'
import type { Io } from '../shell.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
type ShellName = (typeof SHELLS)[number]

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('print a completion script')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: ShellName) => {
      io.out(scripts[shell](program.name(), wordsOf(program)))
    })
}

/** Words that may follow each path of commands; the path of the program itself is empty. */
type Words = readonly (readonly [path: string, words: readonly string[]])[]

function wordsOf(program: Command): Words {
  const found: [string, string[]][] = []
  const visit = (command: Command, path: string) => {
    const names = command.commands.map((one) => one.name())
    const options = [...command.options, ...(path === '' ? [] : program.options)]
    found.push([path, [...names, ...options.map((one) => one.long ?? one.short ?? '')]])
    for (const one of command.commands) visit(one, `${path} ${one.name()}`.trim())
  }
  visit(program, '')
  return found
}

/** One line of a script for each path of commands. */
const lines = (words: Words, line: (path: string, list: readonly string[]) => string): string =>
  words.map(([path, list]) => line(path, list)).join('\n')

const BASH_WORD = '"$word"'

const scripts: Readonly<Record<ShellName, (name: string, words: Words) => string>> = {
  bash: (name, words) => `_${id(name)}() {
  local path="" word typed
  for typed in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$typed" in -*) ;; *) path="\${path:+$path }$typed" ;; esac
  done
  word="\${COMP_WORDS[COMP_CWORD]}"
  case "$path" in
${lines(
  words,
  (path, list) => `    '${path}') COMPREPLY=($(compgen -W '${list.join(' ')}' -- ${BASH_WORD})) ;;`,
)}
  esac
}
complete -F _${id(name)} ${name}`,

  zsh: (name, words) => `#compdef ${name}
_${id(name)}() {
  local path="\${(j: :)\${(@)words[2,CURRENT-1]:#-*}}"
  case "$path" in
${lines(words, (path, list) => `    '${path}') compadd -- ${list.join(' ')} ;;`)}
  esac
}
compdef _${id(name)} ${name}`,

  fish: (name, words) => `function __${id(name)}_path
  string match -v -- '-*' (commandline -opc)[2..] | string join ' '
end
${lines(words, (path, list) => {
  const when = `test (__${id(name)}_path | string collect -a) = '${path}'`
  return `complete -c ${name} -f -n "${when}" -a '${list.join(' ')}'`
})}`,

  powershell: (
    name,
    words,
  ) => `Register-ArgumentCompleter -Native -CommandName ${name} -ScriptBlock {
  param($word, $ast, $position)
  $typed = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($word -ne '') { $typed = @($typed | Select-Object -SkipLast 1) }
  $path = @($typed | Where-Object { -not $_.StartsWith('-') }) -join ' '
  $words = @{
${lines(words, (path, list) => `    '${path}' = @('${list.join("', '")}')`)}
  }
  $words[$path] | Where-Object { $_ -like "$word*" }
}`,
}

const id = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '_')
