/** Limits of gossip: what is read off the wire, who may be a member, and what waits to be said. */
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
  swimMembers: limit(
    65_536,
    [16, 1_048_576],
    'members',
<<<<<<< HEAD
    'ten times the largest fleet; past it a newcomer takes the place of a dead one or is refused',
=======
    'ten times the largest fleet; past it a newcomer replaces a dead member or is refused',
>>>>>>> swim
  ),
  swimNameChars: limit(
    255,
    [1, 1_024],
    'characters',
    'a host name fits; every member holds the name of every other',
  ),
  swimMetaBytes: limit(512, [0, 512], 'bytes', 'what other members of the protocol accept'),
  swimUserBroadcasts: limit(
    1_024,
    [1, 65_536],
    'messages',
    'application messages that wait to be spread; past it the most often sent one makes room',
  ),
  swimRelays: limit(
    1_024,
    [1, 65_536],
    'pings',
    'pings made for others at one time; more means that a whole network has failed',
  ),
  swimExchanges: limit(
    64,
    [1, 1_024],
    'exchanges',
    'full exchanges begun and not yet ended; each holds a connection',
  ),
  swimExchangeNodes: limit(
    65_536,
    [16, 1_048_576],
    'members',
    'members told in one full exchange; no more than may be held',
  ),
  swimLost: limit(
    4_096,
    [1, 65_536],
    'members',
    'failed members that are called again from time to time; past it the oldest is given up',
  ),
  swimCorrections: limit(
    8,
    [1, 256],
    'packets',
    'in one gossip interval, to members whose news is older than ours',
  ),
  swimPacketParts: limit(
    127,
    [1, 255],
    'messages',
    'old members of the protocol compute twice this number in 8 bits',
  ),
  swimTransmissions: limit(
    64,
    [1, 1_024],
    'transmissions',
    'three times what a cluster of a million members needs with the usual multiplier',
  ),
} as const satisfies Record<string, Limit>
