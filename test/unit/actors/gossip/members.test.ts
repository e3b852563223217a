// Goal: a member is found by its name and by the place its datagrams come from.
import { expect, test } from 'vitest'
import { KnownMembers, placeOf } from '../../../../src/actors/gossip/members.ts'
import type { Member } from '../../../../src/core/gossip/swim/node.ts'

const four = Uint8Array.of(10, 99, 0, 2)
const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...four)

const memberAt = (addr: Uint8Array): Member => ({
  ...{ name: 'go', addr, port: 7946, meta: new Uint8Array(0), incarnation: 1 },
  ...{ vsn: [1, 5, 2, 0, 0, 0], state: 'alive', sinceMs: 0 },
})

test('a member that says its IPv4 address in sixteen octets is where its datagrams come from', () => {
  const members = new KnownMembers(0)
  const known = members.take({ kind: 'joined', member: memberAt(mapped) })
  expect(placeOf({ addr: mapped, port: 7946 })).toBe('10.99.0.2:7946')
  expect(members.at(placeOf({ addr: four, port: 7946 }))).toBe(known)
  expect(members.view(known!, 'self').address).toBe('10.99.0.2')
  // What it said is told on as it came.
  expect(known!.member.addr).toBe(mapped)
})
