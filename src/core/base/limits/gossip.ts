/** Limits of gossip: what is read off the wire, and how much of it. */
import { type Limit, limit } from '../limit.ts'

export const gossipLimits = {
  wirePacketBytes: limit(
    65_507,
    [1_400, 65_507],
    'bytes',
    'the most one UDP datagram over IPv4 can carry',
  ),
  wirePacketUnpackedBytes: limit(
    1_048_576,
    [65_536, 41_943_040],
    'bytes',
    'what all compressed layers of one packet may unfold to, together; members send at most 64 KiB',
  ),
  wirePacketMessages: limit(
    1_024,
    [255, 65_536],
    'messages',
    'what one packet may hold through all its layers; a compound of members has at most 255',
  ),
  wireLayers: limit(
    4,
    [2, 16],
    'layers',
    'members wrap at most two deep (a compound, compressed); deeper nesting is an attack',
  ),
  wireCompoundParts: limit(
    127,
    [1, 255],
    'parts',
    'old members multiply the count by two in eight bits, so more would be misread',
  ),
  wireFrameBytes: limit(
    20_971_520,
    [1_048_576, 41_943_040],
    'bytes',
    'the most other members send in one encrypted frame, user message or user state',
  ),
  wireStreamUnpackedBytes: limit(
    41_943_040,
    [1_048_576, 134_217_728],
    'bytes',
    'what one stream may hold, compressed parts unfolded: twice the largest frame, as upstream',
  ),
  wireStates: limit(
    65_536,
    [1_024, 1_048_576],
    'members',
    'a full exchange of a cluster ten times the largest planned; about 300 bytes of memory each',
  ),
  wireNameBytes: limit(255, [63, 1_024], 'bytes', 'a member is named after a host, or shorter'),
  wireMetaBytes: limit(512, [512, 512], 'bytes', 'fixed by the protocol'),
  wireErrorBytes: limit(4_096, [256, 65_536], 'bytes', 'an error is a sentence for a log'),
  wireMapEntries: limit(
    64,
    [16, 1_024],
    'entries',
    'the largest structure has eight fields; the rest leaves room for those of newer members',
  ),
  wireSkippedItems: limit(
    1_024,
    [64, 65_536],
    'values',
    'an unknown field is skipped without recursion, and costs at most this many steps',
  ),
  wireFieldBytes: limit(
    65_536,
    [1_024, 1_048_576],
    'bytes',
    'a field that has no limit of its own, or is skipped, is part of a packet or like one',
  ),
  wireKeys: limit(
    16,
    [2, 64],
    'keys',
    'a message that no key opens costs one attempt a key; rotation needs two',
  ),
} as const satisfies Record<string, Limit>
