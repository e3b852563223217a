/**
 * Runs a demo in a lab: its hosts, then its script, in the place where the reader runs it.
 *
 * The script itself asserts; a line ">>> on the host: COMMAND" is what the reader would type beside
 * it, and is run in the demo's folder with the lab's `docker`.
 */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Lab } from './engine.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..', '..')
const demos = join(root, 'deploy', 'demos')
const ON_HOST = '>>> on the host: '
const TOOLS = ['ip', 'unshare', 'nsenter', 'dig', 'curl', 'nginx', 'jq', 'c++']

/** The numbers of the demos that a lab can run. */
export const demoNumbers = () =>
  readdirSync(demos)
    .map((name) => /^demo-(\d)-/.exec(name)?.[1])
    .filter((number) => number !== undefined && scriptOf(number) !== undefined)

const folderOf = (number) => {
  const name = readdirSync(demos).find((one) => one.startsWith(`demo-${number}-`))
  return name === undefined ? undefined : join(demos, name)
}

const composeOf = (number) => join(folderOf(number), 'docker-compose.yml')

/** Where the walk of a demo is, and where the reader runs it. */
function scriptOf(number) {
  const folder = folderOf(number)
  if (folder === undefined) return undefined
  if (existsSync(join(folder, 'client', 'demo.sh'))) return { inside: 'client', words: ['demo.sh'] }
  const script = join(folder, 'scripts', 'demo.sh')
  return existsSync(script) ? { inside: undefined, words: [script, 'demo'] } : undefined
}

function missingTools() {
  const paths = (process.env.PATH ?? '').split(':')
  const found = (tool) =>
    [...paths, '/usr/sbin', '/sbin'].some((path) => existsSync(join(path, tool)))
  return TOOLS.filter((tool) => !found(tool))
}

/** Runs the words, showing what they print; does what is to be done on the host. */
function follow([program, ...rest], options, onHost) {
  return new Promise((resolve) => {
    const child = spawn(program, rest, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => {
      process.stdout.write(`${line}\n`)
      if (line.startsWith(ON_HOST)) onHost(line.slice(ON_HOST.length))
    })
    child.on('close', (code) => resolve(code ?? 1))
  })
}

const tail = (text) => text.trimEnd().split('\n').slice(-20).join('\n')

/** Resolves with the exit code of the demo. */
export async function runDemo(number) {
  const script = scriptOf(number)
  const missing = missingTools()
  if (script === undefined || process.getuid?.() !== 0 || missing.length > 0) {
    const why =
      script === undefined
        ? `no demo ${number} runs here; those that do: ${demoNumbers().join(' ')}`
        : missing.length > 0
          ? `needs ${missing.join(', ')}`
          : 'needs root, for network namespaces'
    process.stderr.write(`${why}\n`)
    return 1
  }
  const folder = folderOf(number)
  const place = mkdtempSync(join(tmpdir(), 'opengslb-lab-'))
  const bin = join(place, 'bin')
  mkdirSync(bin)
  symlinkSync(join(here, 'docker.mjs'), join(bin, 'docker'))
  const lab = Lab.make(place, composeOf(number))
  const end = () => lab.down()
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      end()
      process.exit(1)
    })
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}:/usr/sbin:/sbin`,
    OPENGSLB_LAB: place,
    DEMO_PAUSE: '0',
  }
  let typed = Promise.resolve()
  // One after the other, as a reader types them: what is looked at is not yet gone.
  const onHost = (line) => {
    typed = typed.then(
      () =>
        new Promise((resolve) => {
          const shell = spawn('sh', ['-c', line], { cwd: folder, env, stdio: 'inherit' })
          shell.on('close', resolve)
        }),
    )
  }
  try {
    lab.up()
    const words =
      script.inside === undefined ? script.words : lab.inside(script.inside, script.words)
    const code = await follow(words, { cwd: folder, env }, onHost)
    await typed
    if (code !== 0)
      for (const { name } of lab.hosts)
        process.stdout.write(`--- ${name}\n${tail(lab.logs(name))}\n`)
    return code
  } finally {
    end()
  }
}

/** Runs a demo in a process of its own and writes what it printed, where it holds. */
export async function recordDemo(number) {
  const words = [join(root, 'scripts', 'demo.mjs'), number]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text
      process.stdout.write(text)
    })
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) return code ?? 1
  // The first line of the compose file says what it is about.
  const [, title] = /^# (Demo \d[^.]*)\./.exec(readFileSync(composeOf(number), 'utf8'))
  const folder = join(root, 'docs', 'demos')
  mkdirSync(folder, { recursive: true })
  const page = `# ${title}\n\nWritten by \`npm run demo -- ${number} --record\`, from a run.\n\n`
  writeFileSync(join(folder, `demo-${number}.md`), `${page}\`\`\`\n${said.trim()}\n\`\`\`\n`)
  return 0
}
