/**
 * The API actor with tables compiled as the registry does, and samples of an authority of its own:
 * the world of the tests that ask why. Keeps no state between worlds.
 */
import { Authority } from '../../../../src/core/dns/authority.ts'
import { SampleRing } from '../../../../src/core/dns/samples.ts'
import { loadConfig } from '../../../../src/core/config/load.ts'
import { textFiles } from '../../../../src/core/config/files.ts'
import { answerSettings } from '../../../../src/core/replay/execute.ts'
import type { OverlayEntry } from '../../../../src/core/config/overlay/entry.ts'
import { underEdits } from '../../../../src/core/replay/edited.ts'
import { declaredPools } from '../../../../src/core/replay/next.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { servingSetFrom } from '../../../harness/dns-world.ts'
import { UP } from '../../../harness/pools.ts'
import { apiWorld, START_MS } from './world.ts'

export const configText = (weight = 100, more = '') => `
dns:
  zones: [{ name: example.com, name_servers: [{ name: ns1.example.com, addresses: [192.0.2.53] }] }]
  cookies: { secret: 00112233445566778899aabbccddeeff }
api: { auth: { tokens: [a-token-that-nobody-may-see] } }
regions:
  - name: eu
    servers:
      - { address: 192.0.2.1, service: app.example.com, weight: ${weight} }
      - { address: 192.0.2.2, service: app.example.com, weight: 100 }
  - name: us
    servers: [{ address: 192.0.2.3, service: app.example.com, weight: 100 }]
domains:
  - { name: app.example.com, regions: [eu, us], routing_algorithm: weighted, ttl: 40 }
${more}
`

export const load = (text: string) => {
  const loaded = loadConfig('c.yaml', { files: textFiles({ 'c.yaml': text }), env: {}, serial: 9 })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value
}

const SETTINGS = {
  udpPayloadSize: 1_232,
  nsid: '',
  versionString: '',
  tcpIdleTimeoutMs: 0,
}

/** The actor with a serving state of epoch 2 and, where asked for, answers sampled from it. */
export async function whyWorld(
  questions = 0,
  words = [UP, UP, UP],
  edits: readonly OverlayEntry[] = [],
) {
  const loaded = load(configText())
  const { zones } = loaded.topology
  const pools = declaredPools(underEdits(loaded, edits).topology)
  const snapshot = { epoch: 2, version: 5, zones, pools, words: [words] }
  const world = await apiWorld({ plain: loaded.plain })
  world.answers['api.list-differences'] = () => ({ differences: [], entries: [...edits] })
  const served = servingSetFrom(snapshot, 77)
  world.behaviour.receive['registry.serving-set'](served)
  world.behaviour.receive['registry.snapshot-set'](snapshot)
  const authority = new Authority({
    ...SETTINGS,
    turns: new Uint32Array(new SharedArrayBuffer(64)),
    hashSeed: 77,
  })
  authority.applySnapshot(snapshot)
  const ring = new SampleRing(10_000)
  const out = new Uint8Array(4_096)
  const sent: string[] = []
  const ask = (name: string, client: readonly number[], type = 'A') => {
    const query = buildQuery({ name, type })
    ring.passed(1)
    ring.keep(query, 0, query.length)
    authority.forgetTurn()
    const asker = { bytes: Uint8Array.from(client), transport: 'udp' as const }
    const written = authority.answer(query, 0, query.length, out, 0, asker)
    ring.take(authority, written, START_MS + sent.length * 100, 0.01)
    sent.push(Buffer.from(out.subarray(0, written)).toString('hex'))
  }
  for (let at = 0; at < questions; at++) ask('app.example.com', [198, 51, 100, at % 50])
  const tell = () => {
    const settings = answerSettings(SETTINGS)
    const sampled = ring.flush(200)
    if (sampled !== undefined)
      world.behaviour.receive['dns.decisions-sampled']({ ...sampled, settings })
  }
  tell()
  return { ...world, ask, tell, sent, snapshot }
}
