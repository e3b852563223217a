/**
 * Overwatches and agents as processes: each in a network namespace of its own on one bridge where
 * root allows it, else all on loopback addresses.
 */
import { spawnSync } from 'node:child_process'
import { output } from './tools.ts'

export const GOSSIP_KEY = Buffer.alloc(32, 7).toString('base64')
export const TOKEN = 'a-token-of-sixteen-chars'

/** Rules of nodes that are cut off begin here, one number for each host, before the local table. */
const CUT_PREF = 100

const ip = (...words: readonly string[]): boolean =>
  spawnSync('ip', words, { stdio: 'ignore' }).status === 0

export class Lab {
  readonly inNamespaces: boolean
  readonly #tag = `og${process.pid % 10_000}`
  readonly #names: string[] = []
  readonly #hosts: number[] = []
  /** Of a node that is cut off: the nodes it was cut off from. */
  readonly #cuts = new Map<number, readonly number[]>()

  constructor(wanted = true) {
    this.inNamespaces = wanted && this.#makeHub()
  }

  /** Gives a node its address; hosts 1-199. */
  address(host: number): string {
    return this.inNamespaces ? `10.99.7.${host}` : `127.99.7.${host}`
  }

  /** The words that run a command where the node lives. */
  place(host: number): readonly string[] {
    if (!this.inNamespaces) return []
    const name = `${this.#tag}n${host}`
    if (!this.#names.includes(name)) this.#makeNode(name, host)
    return ['ip', 'netns', 'exec', name]
  }

  /** The words that run a command where clients live. */
  get hub(): readonly string[] {
    return this.inNamespaces ? ['ip', 'netns', 'exec', `${this.#tag}hub`] : []
  }

  run(where: readonly string[], ...words: readonly string[]): Promise<string> {
    const [command, ...rest] = [...where, ...words]
    return output(command!, rest)
  }

  /** Lets nothing of a port into a node or out of it, as a firewall would. */
  block(host: number, port: number): void {
    this.#rules('add', host, port)
  }

  unblock(host: number, port: number): void {
    this.#rules('del', host, port)
  }

  /**
   * Lets no packet pass between a node and all the others there are, of whatever protocol and port.
   * Nobody is told: what is sent is lost. Clients in the hub reach either side as before.
   */
  cut(host: number): void {
    const others = this.#hosts.filter((one) => one !== host)
    this.#cuts.set(host, others)
    this.#part('add', host, others)
  }

  heal(host: number): void {
    this.#part('del', host, this.#cuts.get(host) ?? [])
    this.#cuts.delete(host)
  }

  close(): void {
    for (const name of this.#names) ip('netns', 'del', name)
    this.#names.length = 0
  }

  // Each drops what comes from the other: a rule against sending would tell the sender at once.
  #part(verb: 'add' | 'del', host: number, others: readonly number[]): void {
    // Two nodes cut off at once drop the same, each by a rule of its own.
    const rule = (from: number) =>
      `rule ${verb} pref ${CUT_PREF + host} from ${this.address(from)} blackhole\n`
    const drop = (at: number, froms: readonly number[]) => {
      const words = ['-n', `${this.#tag}n${at}`, '-batch', '-']
      const { status, stderr } = spawnSync('ip', words, { input: froms.map(rule).join('') })
      if (status !== 0) throw new Error(`node ${host} is not cut off: ${stderr}`)
    }
    drop(host, others)
    for (const other of others) drop(other, [host])
  }

  // Debian's iptables is not everywhere; a routing rule before all others does the same.
  #rules(verb: 'add' | 'del', host: number, port: number): void {
    for (const side of ['dport', 'sport'])
      for (const protocol of ['udp', 'tcp']) {
        const pref = String(10 + (side === 'dport' ? 0 : 2) + (protocol === 'udp' ? 0 : 1))
        const words = ['pref', pref, 'ipproto', protocol, side, String(port), 'blackhole']
        if (!ip('-n', `${this.#tag}n${host}`, 'rule', verb, ...words))
          throw new Error(`no rule: ${words.join(' ')}`)
      }
  }

  #makeHub(): boolean {
    const hub = `${this.#tag}hub`
    if (process.getuid?.() !== 0 || !ip('netns', 'add', hub)) return false
    this.#names.push(hub)
    const made =
      ip('-n', hub, 'link', 'set', 'lo', 'up') &&
      ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge') &&
      ip('-n', hub, 'addr', 'add', '10.99.7.254/24', 'dev', 'br0') &&
      ip('-n', hub, 'link', 'set', 'br0', 'up')
    if (!made) this.close()
    return made
  }

  #makeNode(name: string, host: number): void {
    const hub = `${this.#tag}hub`
    const port = `p${host}`
    ip('netns', 'add', name)
    this.#names.push(name)
    this.#hosts.push(host)
    ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    ip('-n', hub, 'link', 'set', port, 'master', 'br0', 'up')
    ip('-n', name, 'addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0')
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'link', 'set', 'eth0', 'up')
    // Rules are read in the order of their preference, and the one for local addresses is first.
    ip('-n', name, 'rule', 'add', 'pref', '1000', 'lookup', 'local')
    ip('-n', name, 'rule', 'del', 'pref', '0')
  }
}
