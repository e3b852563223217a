import { test } from 'vitest'
import { RollWorld, ZONE } from '../harness/dnssec-roll-world.ts'
const HOUR = 3600, DAY = 24*HOUR
test('debug', () => {
  const seed = Number(process.env['SEED'])
  const world = new RollWorld({ nodes: 3, seed: seed + 1000, parentDelaySeconds: 6 * HOUR, loss: 0.3, isParentCareful: seed % 2 === 0 })
  const [first] = world.nodes
  first!.ring.begin(ZONE, world.clockOf(first!), { isProvisional: false })
  const log = (s: string) => console.log(`${world.nowSeconds} ${s}`)
  let seen = 0
  const orig = world.step.bind(world)
  let last = ''
  world.step = () => { orig()
    for (; seen < world.events.length; seen++) log(`EVENT ${world.events[seen]!.kind} ${world.events[seen]!.text}`)
    const t = (ids: readonly string[]) => ids.map((i) => world.tags.get(i) ?? i.slice(0, 5)).join(',')
    const view = world.nodes.map((n) => { const st = n.ring.zone(ZONE)?.bundle?.state
      return `${n.name}${n.isUp?'':'(down)'}${n.isCutOff?'(cut)':''} v${st?.version} t${st?.terms.at(-1)?.term} ${st?.lineage.slice(0,3)} K=${t(n.view.keys.members)} Z=${t(n.view.signing)} C=${t(n.view.offered)}` }).join('\n   ') + '\n   DS ' + world.parent.map(t).join(' / ')
    if (view !== last) { log(view); last = view }
  }
  world.runUntil(() => world.settledTags() !== undefined, 4 * DAY)
  const revivals: (() => void)[] = []
  for (let turn = 0; turn < 30; turn++) {
      const what = world.random.below(6)
      log(`TURN ${what}`)
      const node = world.nodes[world.random.below(world.nodes.length)]!
      const up = world.nodes.filter((each) => each.isUp)
      if (what === 0 && up.length > 1) revivals.push(world.kill(node.isUp ? node : up[0]!))
      if (what === 1) revivals.shift()?.()
      if (what === 2) node.isCutOff = !node.isCutOff
      if (what === 3 && world.nodes.length < 5) world.add()
      if (what === 4) world.setPolicy({ algorithm: world.random.below(2) === 0 ? 13 : 15 })
      if (what === 5) {
        const led = up.find((each) => each.ring.zone(ZONE)?.isLed)
        const isEmergency = seed % 2 === 0 && world.random.below(4) === 0
        led?.ring.command(ZONE, { isEmergency }, world.clockOf(led))
      }
      world.run(world.random.below(12 * HOUR))
      if (world.bogus.length > 0) { log(world.bogus[0]!); return }
  }
})
