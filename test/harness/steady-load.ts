/**
 * Questions at a steady rate over UDP, and short connections over TCP, each accounted for: answered
 * rightly, answered wrongly, or lost.
 */
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildQuery } from './dns-query.ts'

export interface LoadPlan {
  readonly port: number
  readonly name: string
  /** The only right answers, as addresses. */
  readonly addresses: readonly string[]
  readonly udpPerSecond: number
  readonly tcpPerSecond: number
}

export interface Accounts {
  asked: number
  right: number
  wrong: string[]
  lost: number
}

const TURN_MS = 5
/** A question without an answer for so long is lost; nothing is asked twice. */
const PATIENCE_MS = 3_000

/** `wrong` unless the reply is NOERROR with one A record, at its end, of the addresses. */
function verdictOf(reply: Uint8Array, addresses: readonly string[]): string | undefined {
  const rcode = reply[3]! & 15
  const answers = (reply[6]! << 8) | reply[7]!
  const address = [...reply.subarray(-4)].join('.')
  if (rcode !== 0 || answers !== 1) return `rcode ${rcode} with ${answers} answers`
  return addresses.includes(address) ? undefined : `address ${address}`
}

export class SteadyLoad {
  readonly udp: Accounts = { asked: 0, right: 0, wrong: [], lost: 0 }
  readonly tcp: Accounts = { asked: 0, right: 0, wrong: [], lost: 0 }
  readonly #plan: LoadPlan
  readonly #socket: Socket
  readonly #waiting = new Map<number, number>()
  readonly #query: Uint8Array
  #id = 0
  #running = true
  #done: Promise<unknown> = Promise.resolve()

  constructor(plan: LoadPlan) {
    this.#plan = plan
    this.#query = buildQuery({ name: plan.name, type: 'A' })
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    this.#socket.on('message', (reply) => this.#heard(reply))
  }

  start(): void {
    this.#done = Promise.all([
      this.#every(this.#plan.udpPerSecond, () => this.#askUdp()),
      this.#every(this.#plan.tcpPerSecond, () => void this.#askTcp()),
    ])
  }

  /** Stops asking and waits for what is still on the way. */
  async stop(): Promise<void> {
    this.#running = false
    await this.#done
    await sleep(PATIENCE_MS)
    this.udp.lost += this.#waiting.size
    this.#socket.close()
  }

  async #every(perSecond: number, ask: () => void): Promise<void> {
    const startMs = performance.now()
    for (let asked = 0; this.#running; ) {
      const due = ((performance.now() - startMs) / 1_000) * perSecond
      for (; asked < due; asked++) ask()
      await sleep(TURN_MS)
    }
  }

  #askUdp(): void {
    // Ids come round again; by then the question before was answered or is lost.
    this.#id = (this.#id + 1) & 0xffff
    if (this.#waiting.delete(this.#id)) this.udp.lost++
    this.#waiting.set(this.#id, performance.now())
    this.udp.asked++
    this.#socket.send(this.#withId(this.#id), this.#plan.port, '127.0.0.1')
  }

  #heard(reply: Uint8Array): void {
    if (!this.#waiting.delete((reply[0]! << 8) | reply[1]!)) {
      this.udp.wrong.push('an answer nobody asked for')
      return
    }
    this.#judge(this.udp, reply)
  }

  #judge(accounts: Accounts, reply: Uint8Array): void {
    const fault = verdictOf(reply, this.#plan.addresses)
    if (fault === undefined) accounts.right++
    else accounts.wrong.push(fault)
  }

  #askTcp(): Promise<void> {
    this.tcp.asked++
    const query = this.#withId(1)
    return new Promise((resolve) => {
      const socket = connect(this.#plan.port, '127.0.0.1')
      let text = Buffer.alloc(0)
      let answered = false
      socket.setTimeout(PATIENCE_MS, () => socket.destroy())
      socket.on('connect', () => socket.write(Buffer.concat([Buffer.of(0, query.length), query])))
      socket.on('data', (chunk) => {
        text = Buffer.concat([text, chunk])
        if (text.length < 2 || text.length < 2 + text.readUInt16BE(0)) return
        answered = true
        this.#judge(this.tcp, text.subarray(2))
        socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        if (!answered) this.tcp.lost++
        resolve()
      })
    })
  }

  #withId(id: number): Buffer {
    const query = Buffer.from(this.#query)
    query.writeUInt16BE(id, 0)
    return query
  }
}
