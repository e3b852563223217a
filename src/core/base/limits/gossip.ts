/** Limits of gossip: who may be a member, and what waits to be said or answered. */
import { type Limit, limit } from '../limit.ts'

export const gossipLimits = {
  swimMembers: limit(
    65_536,
    [16, 1_048_576],
    'members',
    'ten times the largest fleet; past it a newcomer replaces a dead member or is refused',
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
