/**
 * A name server of a parent zone on loopback, whose DS records a test decides.
 */
import { type Socket, createSocket } from 'node:dgram'
import { type Answer, decode, encode } from 'dns-packet'

export interface ParentServer {
  readonly port: number
  /** `tag algorithm digest-type digest` of each record. */
  ds: readonly string[]
  /** Answers nothing. */
  isDeaf: boolean
  asked: number
  stop(): void
}

function recordsOf(name: string, ds: readonly string[]): Answer[] {
  return ds.map((text): Answer => {
    const [tag, algorithm, type, digest] = text.split(' ')
    const data = {
      keyTag: Number(tag),
      algorithm: Number(algorithm),
      digestType: Number(type),
      digest: Buffer.from(digest!, 'hex'),
    }
    return { type: 'DS', name, ttl: 1, data }
  })
}

const AUTHORITATIVE = 1 << 10

export async function startParent(parent: string): Promise<ParentServer> {
  const socket: Socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const server: ParentServer = {
    port: socket.address().port,
    ds: [],
    isDeaf: false,
    asked: 0,
    stop: () => socket.close(),
  }
  socket.on('message', (bytes, from) => {
    server.asked += 1
    if (server.isDeaf) return
    const { id = 0, questions = [] } = decode(bytes)
    const name = questions[0]?.name ?? ''
    const answers = recordsOf(name, server.ds)
    const soa: Answer = {
      type: 'SOA',
      name: parent,
      ttl: 1,
      data: { mname: 'ns', rname: 'host', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
    }
    const reply = encode({
      ...{ type: 'response', id, flags: AUTHORITATIVE, questions, answers },
      authorities: answers.length === 0 ? [soa] : [],
    })
    socket.send(reply, from.port, from.address)
  })
  return server
}
