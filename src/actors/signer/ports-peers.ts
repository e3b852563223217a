/**
 * Messages to the overwatches that share keys: one POST each, over http or https.
 *
 * The envelope proves who writes and seals what is written, so a certificate has nothing to add and
 * need not be of a known authority: nodes name each other by addresses inside, where certificates
 * are seldom anybody's but their own.
 */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { limits } from '../../core/base/limits.ts'
import { type Result, fail, ok } from '../../core/base/result.ts'
import { fromBase64, toBase64 } from '../../core/gossip/app/base64.ts'

/** Where a peer answers, below the address that the configuration names. */
export const PEER_PATH = '/api/v1/dnssec/peer'

/** What went wrong, in words: they reach `last_sync_error`. */
export type PostFault = string

const REPLY_CHARS_MAX = Math.ceil((limits.syncMessageBytes.default * 4) / 3) + 1_024

function targetOf(peer: string): URL | undefined {
  try {
    return new URL(PEER_PATH, peer)
  } catch {
    return undefined
  }
}

function readReply(text: string): Result<Uint8Array, PostFault> {
  try {
    const fields: unknown = JSON.parse(text)
    const message =
      typeof fields === 'object' && fields !== null ? Reflect.get(fields, 'message') : undefined
    const bytes =
      typeof message === 'string' ? fromBase64(message, limits.syncMessageBytes.default) : undefined
    return bytes === undefined ? fail('it answered with something else') : ok(bytes)
  } catch {
    return fail('it answered with something else')
  }
}

/** The title of a problem document, or the status alone. */
function refusalOf(status: number, text: string): PostFault {
  try {
    const fields: unknown = JSON.parse(text)
    const named = typeof fields === 'object' && fields !== null ? fields : {}
    const said: unknown = Reflect.get(named, 'detail') ?? Reflect.get(named, 'error')
    if (typeof said === 'string') return `it answered ${status}: ${said.slice(0, 200)}`
  } catch {
    // Not JSON: the status says enough.
  }
  return `it answered ${status}`
}

/** The message posted to the peer, and what it sent back. Never rejects. */
export function postToPeer(
  peer: string,
  message: Uint8Array,
  timeoutMs: number,
): Promise<Result<Uint8Array, PostFault>> {
  const target = targetOf(peer)
  if (target === undefined) return Promise.resolve(fail('its address is none'))
  const body = JSON.stringify({ message: toBase64(message) })
  return new Promise((resolve) => {
    const isTls = target.protocol === 'https:'
    const send = isTls ? requestHttps : requestHttp
    let isOver = false
    const end = (result: Result<Uint8Array, PostFault>) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      resolve(result)
      request.destroy()
    }
    const timer = setTimeout(() => end(fail(`no answer in ${timeoutMs} ms`)), timeoutMs)
    const request = send(target, {
      method: 'POST',
      agent: false,
      ...(isTls ? { rejectUnauthorized: false } : {}),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'opengslb-key-sync',
      },
    })
    request.on('error', (error) => end(fail(error.message)))
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        if (text.length > REPLY_CHARS_MAX) end(fail('its answer is too long'))
      })
      response.on('error', (error) => end(fail(error.message)))
      response.on('end', () => {
        const status = response.statusCode ?? 0
        end(status === 200 ? readReply(text) : fail(refusalOf(status, text)))
      })
    })
    request.end(body)
  })
}
