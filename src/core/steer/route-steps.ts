/**
 * The steps of a decision by learned latency, for those who ask why.
 *
 * Read off the tables that `decide` reads, after it was asked; it decides nothing.
 */
import type { Question } from './decide.ts'
import type { Pool } from './pool.ts'
import { routeMethods } from './routes.ts'

export interface RouteStep {
  readonly region: string
  /** Thousandths of the turns, among the near-equals. */
  readonly share: number
  readonly outcome: 'answers' | 'shares' | 'no-servers' | 'other-part' | 'none-healthy' | 'further'
}

export interface LearnedSteps {
  /** What the region follows from: measurements, geography, or turns alone. */
  readonly method: (typeof routeMethods)[number]
  /** The row sends its clients where little is known, for this stretch of time. */
  readonly exploring: boolean
  /** What its rows are called, where a part of a policy has rows of its own. */
  readonly rows?: string
  /** The regions in the order of the client's row; none where no row decided. */
  readonly steps: readonly RouteStep[]
}

/**
 * @param question as `decide` was asked it
 * @param chosen regions of the answer
 */
export function learnedStepsOf(
  pool: Pick<Pool, 'pools' | 'index' | 'spec'>,
  question: Question,
  chosen: ReadonlySet<string>,
): LearnedSteps | undefined {
  const { pools, index } = pool
  const { method } = question
  if (pool.spec.policy !== 'learned_latency' || method === undefined || method < 0) return undefined
  const table = pools.routes[index]
  const row = question.route ?? -1
  const told = routeMethods[method]!
  if (told !== 'learned' || table === undefined || row < 0)
    return { method: told, exploring: false, steps: [] }
  const own = pools.segmentsFrom(index, question.family)
  const from = row * table.stride
  const steps = [...table.ranking.subarray(from, from + table.stride)].map((number, rank) => {
    const region = table.parts.regions[number]!
    const group = table.groups[number]!
    const size = group < 0 ? 0 : pools.segments[own + group + 1]! - pools.segments[own + group]!
    const share = table.shares[from + rank]!
    const outcome: RouteStep['outcome'] =
      group < 0
        ? 'no-servers'
        : size === 0
          ? 'none-healthy'
          : chosen.has(region)
            ? 'answers'
            : share > 0
              ? 'shares'
              : 'further'
    return { region, share, outcome }
  })
  return { method: told, exploring: table.parts.exploring[row] === 1, steps }
}
