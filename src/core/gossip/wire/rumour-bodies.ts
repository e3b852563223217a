/**
 * Bodies of the messages that spread: alive, suspect, dead.
 */
import { limits } from '../../base/limits.ts'
import type { Alive, Dead, Suspect } from '../messages.ts'
import { isPlace, nothing, readAddr, readName, readPort, readU32, readVersions } from './fields.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import type { MsgpackWriter } from './msgpack-write.ts'

const META_BYTES_MAX = limits.wireMetaBytes.default

export function writeAlive(to: MsgpackWriter, alive: Alive): void {
  to.entries(6)
  to.text('Addr')
  to.octets(alive.addr)
  to.text('Incarnation')
  to.integer(alive.incarnation)
  to.text('Meta')
  to.octets(alive.meta)
  to.text('Node')
  to.text(alive.node)
  to.text('Port')
  to.integer(alive.port)
  to.text('Vsn')
  to.octets(Uint8Array.from(alive.vsn))
}

export function readAlive(from: MsgpackReader): Alive {
  let incarnation = 0
  let node = ''
  let addr = nothing.octets
  let port = 0
  let meta = nothing.octets
  let vsn = nothing.versions
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'Incarnation') incarnation = readU32(from)
    else if (key === 'Node') node = readName(from)
    else if (key === 'Addr') addr = readAddr(from)
    else if (key === 'Port') port = readPort(from)
    else if (key === 'Meta') meta = from.octets(META_BYTES_MAX)
    else if (key === 'Vsn') vsn = readVersions(from)
    else from.skip()
  }
  if (node === '') from.refuse('bad-text', 'a member without a name')
  if (!isPlace(addr, port)) from.refuse('bad-address', 'the address of a member')
  return { type: 'alive', incarnation, node, addr, port, meta, vsn }
}

/** Suspect and dead have the same fields. */
interface Accusation {
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

export function writeAccusation(to: MsgpackWriter, accusation: Accusation): void {
  to.entries(3)
  to.text('From')
  to.text(accusation.from)
  to.text('Incarnation')
  to.integer(accusation.incarnation)
  to.text('Node')
  to.text(accusation.node)
}

function readAccusation(from: MsgpackReader): Accusation {
  let incarnation = 0
  let node = ''
  let accuser = ''
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'Incarnation') incarnation = readU32(from)
    else if (key === 'Node') node = readName(from)
    else if (key === 'From') accuser = readName(from)
    else from.skip()
  }
  if (node === '') from.refuse('bad-text', 'a member without a name')
  return { incarnation, node, from: accuser }
}

export const readSuspect = (from: MsgpackReader): Suspect => ({
  type: 'suspect',
  ...readAccusation(from),
})

export const readDead = (from: MsgpackReader): Dead => ({ type: 'dead', ...readAccusation(from) })
