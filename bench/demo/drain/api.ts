/** What the demo asks the overwatch's HTTP API: drains, and whether a backend may be stopped. */
import { request } from 'node:http'

export interface DrainSeen {
  readonly id: string
  readonly by: string
  readonly address: string
  readonly safe: boolean | 'unknown'
  readonly why: string
  readonly safe_by_time?: string | null
  readonly connections?: { readonly remaining: number; readonly arrived: number } | null
}

interface Reply {
  readonly status: number
  readonly body: string
}

export class OverwatchApi {
  readonly #host: string
  readonly #port: number

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  async drain(address: string): Promise<string> {
    const body = { address, reason: 'demo' }
    const { status, body: text } = await this.#call('POST', '/api/v1/drains', body)
    if (status !== 201) throw new Error(`the drain was refused: ${status} ${text}`)
    return (JSON.parse(text) as { ids: string[] }).ids[0]!
  }

  async lift(id: string): Promise<void> {
    const { status, body } = await this.#call('DELETE', `/api/v1/drains/${encodeURIComponent(id)}`)
    if (status !== 204) throw new Error(`the drain was not lifted: ${status} ${body}`)
  }

  async drainOf(address: string): Promise<DrainSeen | undefined> {
    const { body } = await this.#call('GET', '/api/v1/drains')
    const { drains } = JSON.parse(body) as { drains: DrainSeen[] }
    return drains.find((one) => one.address === address)
  }

  /** Whether it is ready; answers by DNS may begin sooner. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.#call('GET', '/api/v1/ready')).status === 200
    } catch {
      return false
    }
  }

  #call(method: string, path: string, body?: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const target = { host: this.#host, port: this.#port, method, path, headers }
      const sent = request(target, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      })
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}
