/**
 * The real world of the API: one UDP question to our own DNS, small files, and the machine.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import { memoryAudit } from './audit-memory.ts'
import type { ApiConfig, ApiPorts, AuditPort, AuditSettings, DnsOutcome } from './contract.ts'
import { sha256 } from './ports-access.ts'
import { openAudit } from './ports-audit.ts'
import { openDocuments } from './ports-documents.ts'
import { readMachine } from './ports-machine.ts'
import { encodeQuestion, readReply } from './question.ts'

export async function openPorts({ audit: settings, dataDir }: ApiConfig): Promise<ApiPorts> {
  const audit = settings === undefined ? undefined : await auditOf(settings)
  return {
    askDns,
    machine: readMachine,
    randomBytes,
    ...openDocuments(dataDir),
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    nodeVersion: process.version,
    sha256,
    ...(audit === undefined ? {} : { audit }),
    close: async () => audit?.close?.(),
  }
}

async function auditOf(settings: AuditSettings): Promise<AuditPort & { close?(): Promise<void> }> {
  if (settings.folder === '') return memoryAudit(sha256)
  try {
    return await openAudit(settings, sha256)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`api.audit: "${settings.folder}" cannot be used: ${reason}`)
  }
}

/** Where to ask a server that listens on this host: every interface means loopback. */
function reachableHost(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1'
  const address = parseAddress(host)
  return address.ok && address.value.text === '::' ? '::1' : host
}

export function askDns(address: string, name: string, timeoutMs: number): Promise<DnsOutcome> {
  const endpoint = parseEndpoint(address)
  if (!endpoint.ok) return Promise.resolve({ code: 'failed', message: endpoint.error })
  const id = randomInt(0x1_0000)
  const question = encodeQuestion(id, name)
  if (question === undefined)
    return Promise.resolve({ code: 'failed', message: `"${name}" is not a domain name` })
  const host = reachableHost(endpoint.value.host)
  return new Promise((settle) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    let over = false
    const finish = (outcome: DnsOutcome) => {
      if (over) return
      over = true
      clearTimeout(timer)
      socket.removeAllListeners('error')
      // A late error of a closed socket is of no interest, and would end the thread if unheard.
      socket.on('error', () => {})
      socket.close()
      settle(outcome)
    }
    const timer = setTimeout(() => finish({ code: 'timed-out' }), timeoutMs)
    socket.once('error', (error) => finish({ code: 'failed', message: error.message }))
    socket.on('message', (reply) => {
      const read = readReply(id, reply)
      if (read !== undefined) finish({ code: 'answered', ...read })
    })
    // Connected, so that only the server's own packets arrive and a closed port is told at once.
    socket.once('connect', () => socket.send(question))
    socket.connect(endpoint.value.port, host)
  })
}
