/**
 * The bare C loop of bench/native/echo.cc: what the socket API itself costs.
 */
import { connect } from 'node:net'
import { askOnce } from '../server.ts'
import { Pinned } from './pinned.ts'
import type { Start, Subject } from './subject.ts'

async function untilListening(server: Pinned, { port, transport }: Start): Promise<void> {
  const up = (): Promise<boolean> =>
    transport === 'udp'
      ? askOnce(port, 'x').then((rcode) => rcode !== undefined)
      : new Promise((resolve) => {
          const socket = connect(port, '127.0.0.1')
          socket.on('error', () => resolve(false))
          socket.on('connect', () => {
            socket.destroy()
            resolve(true)
          })
        })
  for (let attempt = 0; attempt < 200 && !server.ended; attempt++) {
    if (await up()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`the echo does not listen: ${server.output()}`)
}

export const echo = (program: string): Subject => ({
  name: 'C echo',
  version: () => 'recvmmsg, sendmmsg',
  refuses: () => undefined,
  start: async (start) => {
    const { port, cpus, folder, appendedBytes, transport, setup } = start
    const words = ['127.0.0.1', String(port), String(appendedBytes), transport]
    // SO_REUSEPORT lets one process a thread share the port, as threads do elsewhere.
    const one = [program, ...words].join(' ')
    const all = ['sh', '-c', `${`${one} & `.repeat(setup.threads)} wait`]
    const command = setup.threads === 1 ? [program, ...words] : all
    const server = new Pinned(command, { cpus, folder })
    await untilListening(server, start)
    return { server, stop: () => server.stop() }
  },
})
