/**
 * Clients that keep to nothing: bytes in one piece, in two, or one by one; then an end, a reset, or
 * silence. Never rejects.
 */
import { connect } from 'node:net'
import type { Random } from '../../src/core/base/random.ts'
import type { WsAttack } from './ws-mutator.ts'

/** After this a server that says nothing is looked at: it may be the machine that is slow. */
const SILENT_MS = 5_000
/** What it may take to answer a later request of another client, before it counts as dead. */
const DEAD_MS = 60_000
/** Who came later was answered: what is not answered this long after that never will be. */
const HUNG_MS = 2_000
/** What a server may take to end a connection it has to end, on a machine with other work. */
const ENDED_MS = 4_000
/** After this an attack that left the connection standing goes away by itself. */
const LEAVE_MS = 15

/** What came back before the server, or we, ended it; `hung` when neither did. */
export function sendRaw(port: number, bytes: string, random: Random): Promise<string> {
  const [half, isReset] = [random.below(bytes.length + 1), random.below(10) === 0]
  const inTwo = random.below(4) === 0
  return new Promise((settle) => {
    let said = ''
    let timer = setTimeout(() => {
      void answersLater(port).then(() => {
        timer = setTimeout(() => {
          settle('hung')
          socket.destroy()
        }, HUNG_MS)
      })
    }, SILENT_MS)
    const socket = connect(port, '127.0.0.1', () => {
      if (isReset) {
        socket.write(bytes, 'latin1', () => socket.resetAndDestroy())
        return
      }
      if (inTwo) socket.write(bytes.slice(0, half), 'latin1')
      socket.end(inTwo ? bytes.slice(half) : bytes, 'latin1')
    })
    socket.on('data', (chunk) => (said += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      settle(said)
    })
  })
}

/** Resolves once a request that comes now was answered, or the server is as good as dead. */
function answersLater(port: number): Promise<void> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    })
    socket.setTimeout(DEAD_MS, () => socket.destroy())
    socket.on('data', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => settle())
  })
}

export interface WsOutcome {
  /** Of the handshake; 0 where none was answered. */
  readonly status: number
  /**
   * A client that reads nothing cannot see an end; and frames that come before the handshake was
   * answered (RFC 6455 section 4.1 forbids them) may be lost instead of read.
   */
  readonly ended: 'by the server' | 'by us' | 'unseen'
}

/** Plays the attack: with the head in one breath, or once the upgrade stands. */
export function attackWs(port: number, attack: WsAttack, random: Random): Promise<WsOutcome> {
  const isAtOnce = random.below(3) === 0
  const isDeaf = random.below(4) === 0
  const inPieces = attack.frames.length < 400 && random.below(10) === 0
  const leaves = random.below(3)
  return new Promise((settle) => {
    let said = ''
    let isGone = false
    let timer: NodeJS.Timeout | undefined
    const leave = () => {
      isGone = true
      if (leaves === 0) socket.resetAndDestroy()
      else socket.destroy()
    }
    const write = () => {
      if (inPieces) for (const byte of attack.frames) socket.write(Uint8Array.of(byte))
      else socket.write(attack.frames)
      const mustEnd = attack.expected === 'ended' && !isDeaf && !isAtOnce
      timer = setTimeout(leave, mustEnd ? ENDED_MS : LEAVE_MS)
      if (leaves === 1 && attack.expected === 'either') socket.end()
    }
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(attack.head, 'latin1')
      if (isAtOnce) write()
      else timer = setTimeout(leave, ENDED_MS)
    })
    socket.on('data', (chunk: Buffer) => {
      const isFirst = said === ''
      if (said.length < 100) said += chunk.toString('latin1')
      if (!isFirst || isAtOnce) return
      clearTimeout(timer)
      // It reads no more, so what is sent to it waits.
      if (isDeaf) socket.pause()
      write()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0)
      const seen = isGone ? 'by us' : 'by the server'
      settle({ status, ended: isDeaf || isAtOnce ? 'unseen' : seen })
    })
  })
}
