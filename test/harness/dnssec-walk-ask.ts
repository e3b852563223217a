/**
 * What validators people run make of a node's answers: `delv` asks the node itself, `unbound` asks
 * it as a resolver does, and what the node sends is looked at for sets without signatures.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { typeName, types } from '../../src/core/dns/types.ts'
import { Daemon, validatorHead } from './daemon.ts'
import { type Asking, DnsClient } from './dns-client.ts'
import type { Reply } from './dns-decode.ts'
import { readMessage, setsOf } from './dnssec-judge.ts'
import type { WalkNode } from './dnssec-walk-site.ts'
import { nameOf, type Outcome, type Question, ZONE } from './dnssec-walk-zone.ts'
import { freePort, until } from './program.ts'

const execute = promisify(execFile)
/** unbound remembers failures for five seconds. */
const FORGOTTEN_MS = 15_000

/** What the node itself says to who does not ask for signatures. */
type Plain = string

const WANTED: Readonly<Record<Outcome, RegExp>> = {
  yes: /^NOERROR true$/,
  nodata: /^NOERROR false$/,
  nxdomain: /^NXDOMAIN false$/,
  alias: /^NXDOMAIN true$/,
  steered: /^(?:NOERROR (?:true|false)|SERVFAIL false)$/,
}

/** RCODE, and whether there are records. */
const plainOf = (reply: Reply | undefined): Plain =>
  reply === undefined
    ? 'silence'
    : `${reply.rcode} ${reply.answers.some(({ type }) => type !== 'RRSIG')}`

const askPlain = async (node: WalkNode, [relative, type]: Question): Promise<Plain> =>
  plainOf(await node.client.ask(nameOf(relative), type, { dnssecOk: false }))

/** RFC 9824 section 3: to who asks with DO a name that does not exist is one without the type. */
const asCompact = (plain: Plain, isCompact: boolean): Plain =>
  isCompact ? plain.replace('NXDOMAIN', 'NOERROR') : plain

/**
 * Whether what a validator came to is what the node says. What is steered may have changed since
 * the question, so a SERVFAIL holds when the node says it before or after; all else must validate.
 */
async function holds(
  node: WalkNode,
  question: Question,
  plain: Plain,
  seen: { readonly isValid: boolean; readonly said: Plain },
): Promise<boolean> {
  const isCompact = node.isCompact
  if (question[2] !== 'steered') return seen.isValid && seen.said === asCompact(plain, isCompact)
  if (seen.isValid) return WANTED.steered.test(seen.said)
  const now = plain === 'SERVFAIL false' ? plain : await askPlain(node, question)
  return seen.said === 'SERVFAIL false' && now === 'SERVFAIL false'
}

/** A network that nothing is told of, unlike the one the nodes are asked from. */
export const ELSEWHERE = [198, 51, 100] as const
/** Of so many questions one is asked for somebody elsewhere too. */
const SUBNET_EVERY = 4

/**
 * Asks the node with and without DO; adds what is wrong with the replies.
 * @param turn chooses the questions that are asked once more with a client subnet
 */
export async function askNode(
  node: WalkNode,
  questions: readonly Question[],
  faults: string[],
  turn: number,
): Promise<Plain[]> {
  return await Promise.all(
    questions.map(async (question, at) => {
      const [relative, type, outcome] = question
      const what = `node ${node.place}: ${relative} ${type}`
      const plain = await askPlain(node, question)
      if (!WANTED[outcome].test(plain)) faults.push(`${what}: ${plain}, wanted ${outcome}`)
      faults.push(...(await faultsWithDo(node, question, plain, { dnssecOk: true })))
      const isElsewhere = (at + turn) % SUBNET_EVERY === 0
      const asking = { dnssecOk: true, subnet: ELSEWHERE }
      if (isElsewhere) faults.push(...(await faultsWithDo(node, question, plain, asking)))
      return plain
    }),
  )
}

async function faultsWithDo(
  node: WalkNode,
  question: Question,
  plain: Plain,
  asking: Asking,
): Promise<string[]> {
  const [relative, type] = question
  const what =
    `node ${node.place}: ${relative} ${type}` +
    (asking.subnet === undefined ? '' : ` for ${asking.subnet.join('.')}`)
  const bytes = await node.client.bytes(nameOf(relative), type, asking)
  if (bytes === undefined) return [`${what}: silence with DO`]
  const { rcode, answer, authority, authentic, ede } = readMessage(bytes)
  const said = `${rcode} ${answer.some((record) => record.type !== types.RRSIG)}`
  const isValid = !authentic && rcode !== 'SERVFAIL'
  const faults: string[] = []
  if (!(await holds(node, question, plain, { isValid, said })))
    faults.push(`${what}: ${said} with DO, EDE ${ede}, AD ${authentic}, without ${plain}`)
  for (const { records, signatures } of setsOf([...answer, ...authority]))
    if (records.length > 0 && signatures.length === 0 && !isMadeOfDname(answer, records[0]!))
      faults.push(`${what}: ${typeName(records[0]!.type)} without signature`)
  return faults
}

/** RFC 4035 section 3.2.3 and RFC 6672 section 5.3.1: a CNAME made of a DNAME is not signed. */
function isMadeOfDname(
  answer: readonly { readonly type: number }[],
  record: { readonly type: number },
): boolean {
  return record.type === types.CNAME && answer.some(({ type }) => type === types.DNAME)
}

/** What delv says, in the words used here. An alias that ends nowhere is told as its first half. */
function readDelv(text: string, plain: Plain): { isValid: boolean; said: Plain } {
  const isValid = text.includes('fully validated') && !/unsigned answer|broken trust/.test(text)
  const isFailure = /resolution failed: SERVFAIL|failure/.test(text)
  if (!isValid) return { isValid, said: isFailure ? 'SERVFAIL false' : 'bogus' }
  const isNoName = text.includes(';-$NXDOMAIN')
  if (text.includes('ncache nxdomain')) return { isValid, said: isNoName ? plain : '' }
  const isNo = text.includes('negative response')
  return { isValid, said: text.includes(';-$NXDOMAIN') ? 'NXDOMAIN false' : `NOERROR ${!isNo}` }
}

/** All questions to one node by one shell, since a process of this size is slow to fork. */
export async function askDelv(
  node: WalkNode,
  ds: readonly string[],
  questions: readonly Question[],
  plain: readonly Plain[],
): Promise<string[]> {
  const anchors = ds.map((one) => {
    const [tag, algorithm, type, digest] = one.split(' ')
    return `"${ZONE}." static-ds ${tag} ${algorithm} ${type} "${digest}";`
  })
  const { folder } = node.program
  writeFileSync(join(folder, 'anchors'), `trust-anchors { ${anchors.join(' ')} };\n`)
  const lines = questions.map(([relative, type]) => `${nameOf(relative)} ${type}`)
  writeFileSync(join(folder, 'questions'), `${lines.join('\n')}\n`)
  const words = `@${node.address} -p ${node.ports.dns} -a ${folder}/anchors +root=${ZONE}`
  const script =
    'while read -r name type; do echo "@@$name $type"; ' +
    `delv ${words} "$name" "$type" 2>&1; done < ${folder}/questions`
  const options = { timeout: 300_000, maxBuffer: 1 << 26 }
  const { stdout } = await execute('sh', ['-c', script], options).catch((fault: Error) => {
    const { stdout: said = '' } = fault as Partial<{ stdout: string }>
    const tails = [said, node.program.output].map((text) => text.slice(-3_000))
    throw new Error(`delv, node ${node.place}: ${fault.message}\n${tails.join('\n---\n')}`)
  })
  const replies = stdout.split(/^@@/m).slice(1)
  if (replies.length !== questions.length) throw new Error(`delv gave ${replies.length} replies`)
  const faults: string[] = []
  for (const [at, text] of replies.entries())
    if (!(await holds(node, questions[at]!, plain[at]!, readDelv(text, plain[at]!))))
      faults.push(`delv, node ${node.place}, wanted ${plain[at]}: ${text.trim().slice(0, 600)}`)
  return faults
}

/** `unbound` in front of one node. It keeps nothing: every answer is validated anew. */
export class Validator {
  readonly #node: WalkNode
  readonly #daemon = new Daemon()
  #client: DnsClient | undefined
  #ds = ''

  constructor(node: WalkNode) {
    this.#node = node
  }

  get #starts(): number {
    return this.#daemon.output.split('start of service').length - 1
  }

  #files(port: number, ds: readonly string[]): Record<string, string> {
    const { address, ports } = this.#node
    return {
      // Nothing leaves the machine: whatever lies outside is asked of a port where nobody is.
      'unbound.conf': `${validatorHead(port)}  verbosity: 1
  val-log-level: 2
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  key-cache-size: 4k
  aggressive-nsec: no
${ds.map((one) => `  trust-anchor: "${ZONE}. DS ${one}"`).join('\n')}
remote-control:
  control-enable: no
stub-zone:
  name: "${ZONE}"
  stub-addr: ${address}@${ports.dns}
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@1
`,
    }
  }

  #port = 0

  /** Starts, or reads the anchors anew when they are others. */
  async trust(ds: readonly string[]): Promise<void> {
    if (ds.join() === this.#ds) return
    this.#ds = ds.join()
    const before = this.#starts
    if (this.#client === undefined) {
      this.#port = await freePort()
      this.#client = new DnsClient('127.0.0.1', this.#port)
      const args = ['-d', '-p', '-c', 'unbound.conf']
      this.#daemon.start('unbound', args, this.#files(this.#port, ds))
    } else {
      const { folder } = this.#daemon
      for (const [name, text] of Object.entries(this.#files(this.#port, ds)))
        writeFileSync(join(folder, name), text)
      this.#daemon.signal('SIGHUP')
    }
    await until(`unbound serves\n${this.#daemon.output}`, () => this.#starts > before)
  }

  async ask(questions: readonly Question[], plain: readonly Plain[]): Promise<string[]> {
    const from = this.#daemon.output.length
    const faults: string[] = []
    await Promise.all(
      questions.map(async (question, at) => {
        const [relative, type] = question
        let reply: Reply | undefined
        let seen = { isValid: false, said: '' }
        const isRight = async () => {
          reply = await this.#client!.ask(nameOf(relative), type, { dnssecOk: true })
          seen = { isValid: reply?.flags.includes('ad') ?? false, said: plainOf(reply) }
          return await holds(this.#node, question, plain[at]!, seen)
        }
        if (await isRight()) return
        // RFC 2308 section 7.1: a resolver remembers for some seconds that the name failed before.
        const isOld = question[2] === 'steered' && seen.said === 'SERVFAIL false'
        const wait = isOld ? until('it is forgotten', isRight, FORGOTTEN_MS) : Promise.reject()
        if (await wait.then(() => true).catch(() => false)) return
        const told = `${seen.said} [${reply?.flags}], wanted ${plain[at]}`
        faults.push(`unbound, node ${this.#node.place}: ${relative} ${type}: ${told}`)
      }),
    )
    if (faults.length > 0) faults.push(this.#daemon.output.slice(from).slice(-1_500))
    return faults
  }

  async stop(): Promise<void> {
    this.#client?.close()
    await this.#daemon.stop()
  }
}
