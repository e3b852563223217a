/**
 * Goal: a running process is replaced by a new one without a query lost or answered wrongly.
 * Method: the built program under a steady load of UDP questions and short TCP connections, told by
 * SIGUSR2 to replace itself, again and again; and successors that fail, which must change nothing.
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeSockets } from '../../src/actors/dns/ports-handover.ts'
import { closeLent } from '../../src/actors/dns/ports-sockets.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { SteadyLoad } from '../harness/steady-load.ts'
import { isAlive } from '../harness/succession.ts'
import { output } from '../harness/tools.ts'
import { NAME, UpgradeSite } from '../harness/upgrade-site.ts'

const REPLACEMENTS = 3
const ADDRESSES = ['127.10.9.21', '127.10.9.22', '127.10.9.23']

const site = new UpgradeSite(ADDRESSES, 'threads: 2,')
const { program, succession } = site
const { dataDir } = succession
const owner = () => succession.owner()
const served = () => site.served()

beforeAll(() => site.start(), 60_000)

afterAll(() => site.remove(), 30_000)

async function ready(): Promise<'ready' | 'refused' | 'not-ready'> {
  try {
    const answer = await fetch(`http://127.0.0.1:${site.ports.api}/api/v1/ready`)
    return answer.ok ? 'ready' : 'not-ready'
  } catch {
    return 'refused'
  }
}

describe('a replacement', () => {
  test('a successor that has no predecessor starts as usual', async () => {
    const alone = new Program('')
    const own = await freePort()
    alone.configure(`
dns: { listen_address: "127.0.0.1:${own}", zones: [alone.test] }
overwatch: { data_dir: "${alone.folder}/data" }
metrics: { enabled: false }
logging: { format: text }
`)
    alone.start(['--take-over'])
    await alone.logged('OpenGSLB running', 30_000)
    expect(await alone.stop()).toBe(0)
    await alone.remove()
  }, 60_000)

  test(`${REPLACEMENTS} in a row lose no query and give no wrong answer`, async () => {
    const load = new SteadyLoad({
      ...{ port: site.ports.dns, name: NAME, addresses: ADDRESSES },
      ...{ udpPerSecond: 1_000, tcpPerSecond: 20 },
    })
    const pids = new Set([owner()])
    const tookMs: number[] = []
    load.start()
    await sleep(500)
    for (let turn = 0; turn < REPLACEMENTS; turn++) {
      tookMs.push(await succession.replace())
      pids.add(owner())
    }
    await sleep(500)
    await load.stop()
    const { udp, tcp } = load
    const middle = tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length / 2)] ?? 0
    console.info(
      `${REPLACEMENTS} replacements, median ${Math.round(middle)} ms, ` +
        `slowest ${Math.round(tookMs.at(-1) ?? 0)} ms; UDP ${udp.asked} asked, ${udp.lost} lost, ` +
        `${udp.wrong.length} wrong; TCP ${tcp.asked} asked, ${tcp.lost} lost, ${tcp.wrong.length} wrong`,
    )
    expect(pids.size).toBe(REPLACEMENTS + 1)
    expect([udp.wrong, udp.lost]).toEqual([[], 0])
    expect([tcp.wrong, tcp.lost]).toEqual([[], 0])
    expect(udp.right).toBe(udp.asked)
    expect(tcp.right).toBe(tcp.asked)
  }, 600_000)
})

describe('a successor that fails', () => {
  test('by its configuration changes nothing, and the log says that it ended', async () => {
    const before = owner()
    site.configure('surprise: true\n')
    process.kill(before, 'SIGUSR2')
    await program.logged('the successor ended', 20_000)
    site.configure()
    expect([owner(), isAlive(before)]).toEqual([before, true])
    expect(await served()).toBe(ADDRESSES.join(' '))
  }, 30_000)

  test('halfway is answered for meanwhile, and what it was left is taken back', async () => {
    const before = owner()
    const taken = takeSockets(dataDir, 64)
    if (!taken.ok || taken.value === undefined) throw new Error('nothing was given')
    expect(taken.value.process).toBe(before)
    expect(await taken.value.release()).toBe(true)
    expect(await served()).toBe(ADDRESSES.join(' '))
    expect(await ready()).toBe('refused')
    taken.value.giveUp()
    closeLent(taken.value.threads, taken.value.listener)
    await until('the API is back', async () => (await ready()) === 'ready', 20_000)
    await site.backends[0]!.stop()
    await until('checks are back', async () => (await served()) === ADDRESSES.slice(1).join(' '))
    await site.backends[0]!.start()
    await until('all are back', async () => (await served()) === ADDRESSES.join(' '))
    expect(owner()).toBe(before)
  }, 60_000)

  test('to be of the same user is turned away', async () => {
    if (process.getuid?.() !== 0) return
    // The folder alone would stop it; the socket is to hold by itself.
    chmodSync(program.folder, 0o755)
    chmodSync(dataDir, 0o755)
    chmodSync(join(dataDir, 'handover.sock'), 0o777)
    const script = `
      import { connect } from 'node:net'
      process.setuid(65534)
      const socket = connect(${JSON.stringify(join(dataDir, 'handover.sock'))})
      socket.on('data', (octets) => { console.log('given', octets.length); process.exit(1) })
      socket.on('error', (error) => console.log(error.code))
      socket.on('close', () => console.log('closed'))
    `
    const words = ['--input-type=module', '-e', script]
    expect(await output(process.execPath, words)).toContain('closed')
    await program.logged('turned away: it belongs to user 65534')
    chmodSync(dataDir, 0o750)
  }, 30_000)
})
