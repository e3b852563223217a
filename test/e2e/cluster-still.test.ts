// Goal: a leader whose program stands still while its etcd runs on is followed by another one, and
// follows when it wakes; a watcher that is killed is replaced. Three built programs, real etcd.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterSite, machineMs, REFUSED } from '../harness/cluster-site.ts'
import { until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const site = new ClusterSite()
const ALL = [1, 2, 3]
/** On busy machines; at rest a second is enough. */
const FOLLOWED_MS = 10_000

const answeredBy = (sinceMs: number) =>
  ALL.filter((node) =>
    site.heard.some((one) => one.node === node && one.sentMs >= sinceMs && site.isAnswer(one)),
  )

const watcherOf = async (node: number) => {
  const words = ['-f', `ports-watch-entry[.]c?js ${site.program(node).folder}/raft`]
  const found = await output('pgrep', words).catch(() => '')
  return found.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]))
}

/** Stops the program of the leader alone; resolves with who leads after it, and when. */
async function stopLeader() {
  const leader = site.leader()!
  const sinceMs = machineMs()
  process.kill(site.program(leader).pid, 'SIGSTOP')
  try {
    await until(
      'another node answers',
      () => answeredBy(sinceMs + 500).some((node) => node !== leader),
      FOLLOWED_MS,
    )
  } finally {
    await sleep(500)
    process.kill(site.program(leader).pid, 'SIGCONT')
  }
  const first = site.heard.find(
    (one) => one.sentMs >= sinceMs && one.node !== leader && site.isAnswer(one),
  )!
  return { leader, next: first.node, afterMs: first.gotMs - sinceMs }
}

describe.runIf(has('etcd', 'pgrep'))('a leader that stands still', () => {
  beforeAll(async () => {
    await site.form(3)
    site.ask(3)
    await until('one leads', () => site.leader() !== undefined, 60_000)
    await sleep(2_000)
  }, 180_000)
  afterAll(() => site.close(), 60_000)

  test('is followed by another node, and follows when it wakes', async () => {
    const { leader, next, afterMs } = await stopLeader()
    console.log(`followed after ${Math.round(afterMs)} ms`)
    const sinceMs = machineMs()
    await until('it refuses', () =>
      site.heard.some(
        ({ node, sentMs, rcode }) => node === leader && sentMs > sinceMs && rcode === REFUSED,
      ),
    )
    // What it answered before it was stopped may have been asked again just after.
    expect(answeredBy(sinceMs)).not.toContain(leader)
    expect(site.leader()).toBe(next)
    expect(site.program(leader).output).toMatch(
      /the watcher of this node says.*leadership went to node-/,
    )
    await until('its member votes still', () => site.isWhole(3))
  }, 60_000)

  test('is so too by a watcher that took the place of one that was killed', async () => {
    const leader = site.leader()!
    const [first] = await watcherOf(leader)
    process.kill(first!, 'SIGKILL')
    await until('another watcher', async () => {
      const [second] = await watcherOf(leader)
      return second !== undefined && second !== first
    })
    await sleep(1_000)
    expect((await stopLeader()).leader).toBe(leader)
  }, 60_000)

  test('leaves no watcher behind', async () => {
    const follower = ALL.find((node) => node !== site.leader())!
    expect(await watcherOf(follower)).toHaveLength(1)
    await site.signal(follower, 'SIGKILL')
    await until('it is gone', async () => (await watcherOf(follower)).length === 0)
  }, 60_000)
})
