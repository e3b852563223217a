// Goal: whatever is poured over the server, a client that keeps within its limits gets each of its
// questions answered, over UDP and TCP; and what a flood gets back is held to the rate.
// Method: the built program in a network namespace where 198.18.0.0/16 is local, so that no party
// has an address that rate limiting exempts. Attackers send below what the machine can take.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Program, projectRoot, until } from '../harness/program.ts'
import { output } from '../harness/tools.ts'

const NAME = 'www.flood.test'
const [TARGET, PORT] = ['198.18.0.1', '5353']
const SECONDS = 3
const space = `ogflood${process.pid % 10_000}`
const inside = ['ip', 'netns', 'exec', space] as const
const ip = (...words: readonly string[]): boolean =>
  spawnSync('ip', words, { stdio: 'ignore' }).status === 0

interface Told {
  readonly [name: string]: number
}

async function party(kind: string): Promise<Told> {
  const script = join(projectRoot, 'test/harness/flood.mjs')
  const words = [script, kind, TARGET, PORT, NAME, String(SECONDS * 1_000)]
  const [command, ...rest] = [...inside, process.execPath, ...words]
  return JSON.parse(await output(command!, rest)) as Told
}

const configuration = (folder: string) => `
dns: { listen_address: "${TARGET}:${PORT}", zones: [ { name: flood.test, records: [ { name: www, type: A, value: 192.0.2.1 } ] } ] }
overwatch: { data_dir: ${folder}/data }
api: { enabled: false }
metrics: { enabled: true, address: "127.0.0.1:9153" }
logging: { level: warn, format: text }
`

const isRoot = process.getuid?.() === 0 && ip('netns', 'list')

describe.runIf(isRoot)('floods', () => {
  let program: Program

  beforeAll(async () => {
    ip('netns', 'add', space)
    ip('-n', space, 'link', 'set', 'lo', 'up')
    ip('-n', space, 'addr', 'add', '198.18.0.0/16', 'dev', 'lo')
    program = new Program('', inside)
    program.configure(configuration(program.folder))
    program.start()
    const dig = [...inside, 'dig', `@${TARGET}`, '-p', PORT, '+tries=1', '+time=1', NAME]
    const answers = async () => (await output(dig[0]!, dig.slice(1))).includes('192.0.2.1')
    await until('it answers', answers, 20_000)
  }, 30_000)

  afterAll(async () => {
    await program?.remove()
    ip('netns', 'del', space)
  })

  async function held(): Promise<number> {
    const [command, ...rest] = [...inside, 'curl', '-s', 'http://127.0.0.1:9153/metrics']
    const text = await output(command!, rest)
    const lines = text.split('\n').filter((line) => line.startsWith('opengslb_dns_rate_limited'))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  for (const [kind, says] of [
    ['names', 'random names from one network'],
    ['repeated', 'one question over and over from one network'],
    ['forged', 'one question from hundreds of networks, as with forged addresses'],
    ['broken', 'cut, huge and mangled packets'],
    ['connections', 'thousands of connections that say nothing'],
  ] as const) {
    test(`a client within its limits loses nothing to ${says}`, async () => {
      const before = await held()
      const [attack, good] = await Promise.all([party(kind), party('good')])
      expect(good['asked']).toBeGreaterThan(50)
      expect(good, JSON.stringify(attack)).toMatchObject({
        ...{ answered: good['asked'], wrong: 0, tcpAnswered: good['tcpAsked'] },
      })
      if (kind === 'connections') {
        expect(attack['opened']).toBeGreaterThan(100)
        return
      }
      expect(attack['sent']).toBeGreaterThan(SECONDS * 500)
      if (kind !== 'names' && kind !== 'repeated') return
      // 200 may come at once and 200 a second; every second one past that is a truncated reply.
      const rate = 200 * (SECONDS + 2)
      expect(attack['replies']).toBeLessThan(rate + (attack['sent']! - rate) * 0.6)
      expect(await held()).toBeGreaterThan(before)
    }, 30_000)
  }
})
