/** Limits of what overwatches share with each other. */
import { type Limit, limit } from '../limit.ts'

export const peersLimits = {
  sharedRecordsMax: limit(
    262_144,
    [1_024, 1_048_576],
    'records',
    'verdicts of three overwatches on 65,536 servers, and room for agents and overrides',
  ),
  sharedRecordBytesMax: limit(
    65_536,
    [1_024, 262_144],
    'bytes',
    'the signed report of an agent with a few hundred backends',
  ),
  sharedKeyBytesMax: limit(
    1_600,
    [256, 2_048],
    'bytes',
    'the key of a server, with the name of a node before it',
  ),
  peerFrameBytesMax: limit(
    262_144,
    [65_536, 1_048_576],
    'bytes',
    'one page of an exchange; more follows in the next page',
  ),
  peerPacketBytes: limit(
    1_150,
    [512, 8_192],
    'bytes',
    'fits one datagram of 1,400 bytes with what encryption adds; longer frames go by stream',
  ),
  peerDigestIntervalMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'what a lost datagram hid is found within two of these',
  ),
  peerExchangeMs: limit(
    500,
    [50, 10_000],
    'ms',
    'one comparison with a peer at a time; the next starts no earlier',
  ),
  editLeadMs: limit(
    86_400_000,
    [1_000, 2_592_000_000],
    'ms',
    'clocks of overwatches further apart are a fault; a stamp beyond is outranked, not followed',
  ),
  peerTombstoneMs: limit(
    86_400_000,
    [60_000, 2_592_000_000],
    'ms',
    'a deleted record is remembered this long, so that a peer back from a partition learns of it',
  ),
} as const satisfies Record<string, Limit>
