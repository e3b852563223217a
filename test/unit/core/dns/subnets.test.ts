// Goal: the client subnet option decides where it is believed, is echoed as it came, and tells a
// scope that is true; whoever asks not to be known is not.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import type { SubnetSettings } from '../../../../src/core/dns/ecs.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { decodeReply } from '../../../harness/dns-decode.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { authorityOf, sendTo, zoneOf } from '../../../harness/dns-world.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const NAME = 'app.example.com'
const REGIONS = ['east', 'west', 'home']
/** The resolver is 198.51.100.7 (test/harness/dns-world.ts). */
const custom = [
  { cidr: '10.0.0.0/9', region: 'east', comment: '' },
  { cidr: '10.128.0.0/9', region: 'west', comment: '' },
  { cidr: '198.51.100.0/24', region: 'home', comment: '' },
  { cidr: '2001:db8:a000::/36', region: 'west', comment: '' },
]

interface Options {
  readonly subnets?: SubnetSettings | undefined
  readonly words?: readonly number[]
  readonly policy?: ServingPool['policy']
}

function world({ subnets, words = [UP, UP, UP], policy = 'geolocation' }: Options) {
  const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
  const geo = placeClients({ regions, custom, defaultRegion: 'home' }, {}, ownMemory)
  const members = REGIONS.map((region, at) => ({
    ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight: 100 },
  }))
  const pool: ServingPool = {
    ...{ name: NAME, zone: 'example.com', ttlSeconds: 30, policy, slot: 0, answers: 1 },
    ...{ whenAllDown: 'servfail', fallback: [], members },
  }
  const authority = authorityOf(subnets === undefined ? {} : { subnets })
  const zones = [zoneOf('example.com', 'www A 192.0.2.80')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools: [pool], words: [words], geo })
  return (option?: readonly number[], name = NAME) => {
    const options = option === undefined ? [] : [[8, option] as const]
    const query = buildQuery({ name, type: 'A', edns: { options } })
    const reply = decodeReply(sendTo(authority, query)!)
    const last = String(reply.answers[0]?.data).split('.').at(-1)
    const echo = reply.opt?.options.find(([code]) => code === 8)?.[1]
    return { region: REGIONS[Number(last)], echo, rcode: reply.rcode }
  }
}

const EVERYBODY = { trustedNetworks: [] }

describe('the client subnet option', () => {
  test('stands for the client where it is believed, and is echoed with the scope', () => {
    const ask = world({ subnets: EVERYBODY })
    expect(ask([0, 1, 24, 0, 10, 1, 2])).toMatchObject({
      region: 'east',
      echo: [0, 1, 24, 9, 10, 1, 2],
    })
    expect(ask([0, 1, 24, 0, 10, 200, 2])).toMatchObject({ region: 'west' })
    expect(ask([0, 2, 48, 0, 0x20, 1, 0x0d, 0xb8, 0xa0, 0])).toMatchObject({
      region: 'west',
      echo: [0, 2, 48, 36, 0x20, 1, 0x0d, 0xb8, 0xa0, 0],
    })
  })

  test('tells a scope longer than the source where the prefix spans two answers', () => {
    expect(world({ subnets: EVERYBODY })([0, 1, 8, 0, 10])).toMatchObject({
      region: 'east',
      echo: [0, 1, 8, 9, 10],
    })
  })

  test('the scope widens when what told two networks apart is down', () => {
    const ask = world({ subnets: EVERYBODY, words: [UP, DOWN, UP] })
    // Clients of the west go east, as their neighbours do.
    expect(ask([0, 1, 24, 0, 10, 200, 2])).toMatchObject({
      region: 'east',
      echo: [0, 1, 24, 8, 10, 200, 2],
    })
  })

  test('without it, or with source prefix 0, the resolver decides and the scope is 0', () => {
    const ask = world({ subnets: EVERYBODY })
    expect(ask()).toMatchObject({ region: 'home', echo: undefined })
    expect(ask([0, 1, 0, 0])).toMatchObject({ region: 'home', echo: [0, 1, 0, 0] })
    expect(ask([0, 0, 0, 0])).toMatchObject({ region: 'home', echo: [0, 0, 0, 0] })
  })

  test.each([
    ['of nobody when switched off', undefined, 'home', 0],
    ['of another resolver', { trustedNetworks: ['203.0.113.0/24', '2001:db8::/32'] }, 'home', 0],
    ['of a resolver that is listed', { trustedNetworks: ['198.51.0.0/16'] }, 'east', 9],
  ] as const)('is believed as the list says: %s', (_, subnets, region, scope) => {
    expect(world({ subnets })([0, 1, 24, 0, 10, 1, 2])).toMatchObject({
      region,
      echo: [0, 1, 24, scope, 10, 1, 2],
    })
  })

  test('a policy that does not read the client, and a record, tell scope 0', () => {
    const option = [0, 1, 24, 0, 10, 1, 2]
    expect(world({ subnets: EVERYBODY, policy: 'round-robin' })(option).echo?.[3]).toBe(0)
    expect(world({ subnets: EVERYBODY })(option, 'www.example.com').echo?.[3]).toBe(0)
  })

  test('a malformed option is FORMERR', () => {
    expect(world({ subnets: EVERYBODY })([0, 1, 24, 0, 10, 1]).rcode).toBe('FORMERR')
    expect(world({ subnets: EVERYBODY })([0, 1, 20, 0, 10, 1, 0xff]).rcode).toBe('FORMERR')
  })
})
