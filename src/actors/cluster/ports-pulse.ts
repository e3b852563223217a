/**
 * The pulse of a node on the wire: one long answer of HTTP at its door, an octet each time: 1 while
 * the node answers DNS, else 0. The end of the connection is the end of the node, or of the way to
 * it.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { limits } from '../../core/base/limits.ts'
import type { PulseEars, Tell } from './contract.ts'

export const PULSE_PATH = '/opengslb/pulse'

const [ONE, ZERO] = [0x31, 0x30]

/** Tells whoever asked, until the connection ends. */
export function sendPulse(response: http.ServerResponse, heard: (tell: Tell) => () => void): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream' })
  response.socket?.setNoDelay(true)
  const leave = heard((answers) => {
    // Who does not read is not told: what it would read later is of no use by then.
    if (response.writableLength < limits.clusterTextChars.default)
      response.write(answers ? '1' : '0')
  })
  response.on('close', leave)
  response.on('error', leave)
}

/** Listens at a door; `ended` is told of every way in which that ends but the caller's own. */
export function listenPulse(
  door: string,
  { told, ended }: PulseEars,
  tls: https.RequestOptions | undefined,
): () => void {
  let isOver = false
  const over = () => {
    if (isOver) return
    isOver = true
    request.destroy()
    ended()
  }
  const options = { agent: false as const, ...tls }
  const request = (door.startsWith('https:') ? https : http).get(`${door}${PULSE_PATH}`, options)
  request.on('response', (response) => {
    if (response.statusCode !== 200) return over()
    response.on('data', (octets: Buffer) => {
      const last = octets.at(-1)
      if (!isOver && (last === ONE || last === ZERO)) told(last === ONE)
    })
    response.on('close', over)
    response.on('error', over)
  })
  request.on('error', over)
  request.on('close', over)
  // A way that takes no connection must not be waited for longer than a leader that keeps silent.
  request.setTimeout(limits.clusterPulseWaitMs.default, over)
  return () => {
    isOver = true
    request.destroy()
  }
}
