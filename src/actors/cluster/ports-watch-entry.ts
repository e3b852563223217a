/**
 * The watcher of a node with a member of its own: a process that sees when the node stands still
 * while its etcd runs, and gives leadership away in its place.
 *
 * A node that is stopped, hangs, or has its memory written to a file does not answer, since its
 * lease runs out. Its etcd is a process of its own, goes on sending heartbeats, and the others see
 * nothing amiss: they would follow a leader that is silent for ever. So the watcher asks the thread
 * that renews the lease whether it lives (ports-watch.ts). Where it hears nothing for as long as
 * members wait for a heartbeat, it asks etcd, at the node's own socket, to transfer leadership to
 * another voter, and again if leadership comes back before the node does. It takes nothing else
 * from the member, which goes on voting; and it does nothing before it has heard the node once.
 *
 * Arguments: the folder of the member, and the silence in milliseconds. It ends with its input.
 */
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import { BEAT, SOCKET } from '../../core/cluster/engine.ts'
import { Client } from './client.ts'
import { openGateway } from './ports-gateway.ts'

const [folder = '', silence = ''] = process.argv.slice(2)
const silenceMs = Number(silence)
if (folder === '' || !(silenceMs > 0)) throw new Error('usage: FOLDER MILLISECONDS')
const client = new Client(openGateway({ kind: 'socket', path: join(folder, SOCKET) }))

let socket: Socket | undefined
/** When the node was heard last; undefined before that. */
let heardMs: number | undefined
let isAsked = false
/** Looks in a row that found it silent: this process may have stood still itself. */
let silentLooks = 0
let isHandingOver = false
/** Voters take turns: the first may stand still as well. */
let turn = 0

function meet(): void {
  isAsked = false
  const made = connect(join(folder, BEAT))
  socket = made
  made.on('data', () => {
    heardMs = performance.now()
    isAsked = false
  })
  made.on('error', () => {})
  made.on('close', () => setTimeout(meet, limits.clusterWatchMs.default))
}

/** Gives leadership to another voter; nothing where this member does not lead. */
async function handOver(): Promise<void> {
  const status = await client.status(silenceMs)
  if (status === undefined || status.memberId !== status.leaderId) return
  const members = (await client.members()) ?? []
  const voters = members.filter(
    ({ id, isLearner, name }) => !isLearner && name !== '' && id !== status.memberId,
  )
  for (let left = voters.length; left > 0; left--) {
    const { id, name } = voters[turn++ % voters.length]!
    if (!(await client.transfer(id, silenceMs))) continue
    process.stderr.write(`the node stood still while it led: leadership went to ${name}\n`)
    return
  }
}

async function look(): Promise<void> {
  if (socket?.readyState === 'open' && !isAsked) {
    isAsked = true
    socket.write('.')
  }
  const isSilent = heardMs !== undefined && performance.now() - heardMs > silenceMs
  silentLooks = isSilent ? silentLooks + 1 : 0
  if (silentLooks < 2 || isHandingOver) return
  isHandingOver = true
  await handOver()
  isHandingOver = false
}

meet()
setInterval(() => void look(), limits.clusterWatchMs.default)
process.stdin.on('end', () => process.exit())
process.stdin.on('error', () => process.exit())
process.stdin.resume()
