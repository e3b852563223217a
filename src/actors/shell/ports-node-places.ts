/**
 * Requests of node:http that are not answered yet.
 *
 * Of several that came in one go those that wait for their turn hear nothing when the connection
 * ends, so the places of a connection are given back with it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export class Places {
  readonly #held = new Map<Socket, number>()
  #taken = 0

  get taken(): number {
    return this.#taken
  }

  /** Until the answer was given, or the connection is gone. */
  take({ socket }: IncomingMessage, response: ServerResponse): void {
    const held = this.#held.get(socket)
    if (held === undefined) socket.once('close', () => this.#gone(socket))
    this.#held.set(socket, (held ?? 0) + 1)
    this.#taken++
    response.once('close', () => {
      const left = this.#held.get(socket)
      if (left === undefined) return
      this.#held.set(socket, left - 1)
      this.#taken--
    })
  }

  #gone(socket: Socket): void {
    this.#taken -= this.#held.get(socket) ?? 0
    this.#held.delete(socket)
  }
}
