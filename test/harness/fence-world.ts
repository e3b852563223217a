/**
 * Nodes with the real fence and lease on a model of etcd's Raft, each on a machine of its own.
 */
import { Lease, leaseMemory } from '../../src/core/cluster/lease.ts'
import type { RaftTimes } from '../../src/core/cluster/raft-fence.ts'
import { paths } from '../../src/core/cluster/gateway.ts'
import { Client } from '../../src/actors/cluster/client.ts'
import type { CallOutcome, Gateway } from '../../src/actors/cluster/contract.ts'
import { Fence } from '../../src/actors/cluster/fence.ts'
import { type ClusterCtx, Standing } from '../../src/actors/cluster/standing.ts'
import type { Cancel, Clock } from '../../src/kernel/clock.ts'
import { fakeCtx } from './ctx.ts'
import type { ModelMember, RaftModel } from './raft-model.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** A machine: a clock of its own rate, on which nothing fires while its processes are stopped. */
export class Machine {
  readonly clock: Clock
  readonly #member: ModelMember
  #held: (() => void)[] = []

  constructor(base: VirtualClock, rate: number, member: ModelMember) {
    this.#member = member
    const after = (delayMs: number, run: () => void): Cancel => {
      let isOver = false
      const fire = () => {
        if (isOver) return
        if (this.#member.isPaused) this.#held.push(() => base.after(0, fire))
        else run()
      }
      const cancel = base.after(delayMs / rate, fire)
      return () => {
        isOver = true
        cancel()
      }
    }
    this.clock = {
      nowMs: () => base.nowMs(),
      monotonicMs: () => base.monotonicMs() * rate,
      after,
      every: (intervalMs, phaseMs, run) => {
        let cancel = after(phaseMs, tick)
        function tick() {
          run()
          cancel = after(intervalMs, tick)
        }
        return () => cancel()
      },
    }
  }

  /** What fell due meanwhile fires now. */
  wake(): void {
    for (const run of this.#held.splice(0)) run()
  }
}

const header = (member: ModelMember) => ({
  member_id: String(member.number + 1),
  raft_term: String(member.term),
})

/** The gateway of a member, as far as the fence asks it. */
export function gatewayOf(member: ModelMember, clock: Clock): Gateway {
  const answerOf = async (path: string, body: unknown): Promise<CallOutcome> => {
    const delay = () => new Promise<void>((resolve) => clock.after(1, resolve))
    await delay()
    if (path === paths.status) {
      const leader = member.leader < 0 ? {} : { leader: String(member.leader + 1) }
      const raftTerm = String(member.term)
      return { code: 'answered', answer: { header: header(member), raftTerm, ...leader } }
    }
    if (path === paths.transfer) {
      member.handTo(Number((body as { targetID: string }).targetID) - 1)
      return { code: 'answered', answer: { header: header(member) } }
    }
    const term = await member.read()
    await delay()
    return { code: 'answered', answer: { header: { ...header(member), raft_term: String(term) } } }
  }
  return {
    call: (path, body, timeoutMs) =>
      new Promise((resolve) => {
        if (!member.isDown) void answerOf(path, body).then(resolve)
        clock.after(timeoutMs, () => resolve({ code: 'timed-out', message: 'late' }))
      }),
    watch: () => () => {},
    close: () => {},
  }
}

export interface FenceNode {
  readonly member: ModelMember
  readonly machine: Machine
  readonly standing: Standing
  readonly rate: number
  readonly ctx: ClusterCtx
  readonly client: Client
  /** As its DNS threads read it. */
  readonly lease: Lease
}

/** Until when a node may answer by what it knows now, on the clock of the world. */
export function answersUntil({
  member,
  standing,
  rate,
}: Pick<FenceNode, 'member' | 'rate'> & { readonly standing: Standing | undefined }): number {
  if (member.isPaused || standing?.answers !== true) return Number.NEGATIVE_INFINITY
  const { leave } = standing.leadership
  // That the memory the DNS threads read says the same is shown by `answers`.
  return typeof leave === 'number' ? leave / rate : Number.NEGATIVE_INFINITY
}

/** The real fence and lease beside each member of the model. */
export function startNodes(
  base: VirtualClock,
  model: RaftModel,
  times: RaftTimes,
  rates: readonly number[],
): readonly FenceNode[] {
  return model.members.map((member): FenceNode => {
    const rate = rates[member.number]!
    const machine = new Machine(base, rate, member)
    const { clock } = machine
    const ctx = { ...fakeCtx('cluster').ctx, clock } as ClusterCtx
    const memory = leaseMemory()
    const standing = new Standing(ctx, {
      self: `node-${member.number}`,
      followerDns: 'refuse',
      onLostLease: 'refuse',
      silenceMs: 10_000,
      lease: memory,
    } as never)
    const client = new Client(gatewayOf(member, clock))
    const fence = new Fence({ ctx, standing, times, client: () => client, nameOf: (id) => id })
    fence.start()
    return { member, machine, standing, rate, ctx, client, lease: new Lease(memory) }
  })
}
