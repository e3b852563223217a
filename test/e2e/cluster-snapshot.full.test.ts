// Goal: a node made of a saved snapshot has the orders of a cluster whose data is lost, and takes
// the others in again, as the guide of cluster mode says.
// OPENGSLB_FULL=1 runs it.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, CLUSTER_NAME } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const ORDER = `/overwatch/backends/${CLUSTER_NAME}/10.0.1.10/80/override`

describe.runIf(has('etcd', 'etcdctl', 'curl'))('a snapshot', () => {
  const site = new ClusterSite({ raft: '    snapshot_interval: 1s' })

  beforeAll(() => site.form(3), 180_000)
  afterAll(() => site.close(), 60_000)

  test('makes a cluster again of which all data is lost, with what was ordered', async () => {
    await site.api(2, 'POST', ORDER, { healthy: true, reason: 'kept in a snapshot' })
    // One that was begun before the order does not have it; the next one is saved in a second.
    await sleep(3_000)
    for (const node of [1, 2, 3]) await site.program(node).stop()
    const folder = `${site.program(3).folder}/raft`
    expect(existsSync(`${folder}/snapshot.db`)).toBe(true)
    const at = `http://${site.address(3)}:7000`
    const words = [
      ...['etcdctl', 'snapshot', 'restore', `${folder}/snapshot.db`, '--data-dir'],
      ...[`${folder}/etcd`, '--name', 'node-3', '--initial-advertise-peer-urls', at],
      ...['--initial-cluster', `node-3=${at}`],
    ]
    for (const node of [1, 2, 3])
      await site.lab.run([], 'rm', '-rf', `${site.program(node).folder}/raft/etcd`)
    // What a node has on its own disk must not be what brings the order back.
    for (const node of [1, 2, 3])
      await site.lab.run([], 'rm', '-rf', `${site.program(node).folder}/data`)
    await site.lab.run([], 'env', 'ETCDCTL_API=3', ...words)
    site.start(3)
    await site.program(3).logged('this node is now the cluster leader', 60_000)
    expect(await site.api(3, 'GET', '/overrides')).toContain('kept in a snapshot')
    const others = ['--mode', 'cluster', '--join', `${site.address(3)}:7000`]
    for (const node of [1, 2]) {
      const own = ['--node-name', `node-${node}`, '--bind-address', `${site.address(node)}:7000`]
      site.start(node, [...others, ...own])
    }
    await until('all are members again', () => site.isWhole(3, 3), 120_000)
    await until('the first knows of the order', async () =>
      (await site.api(1, 'GET', '/overrides')).includes('kept in a snapshot'),
    )
  }, 300_000)
})
