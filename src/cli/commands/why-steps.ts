/**
 * What decided between regions, as lines of `explain`: what was learned of the client, or where it
 * is. Regions without a server in question, such as those of other parts of a policy, are left out.
 */
interface Step {
  readonly region: string
  readonly outcome: string
}

export interface RegionSteps {
  readonly geography?: {
    readonly match: string
    readonly cidr?: string
    readonly country: string
    readonly continent: string
    readonly steps: readonly Step[]
  }
  readonly learned?: {
    readonly method: string
    readonly exploring: boolean
    readonly rows?: string
    readonly steps: readonly (Step & { readonly share: number })[]
    readonly source?: string
    readonly network?: string
    readonly data?: readonly {
      readonly region: string
      readonly expected_ms: number
      readonly deviation_ms: number
      readonly measured_ms?: number
    }[]
  }
}

const isInQuestion = ({ outcome }: Step): boolean =>
  outcome !== 'no-servers' && outcome !== 'other-part'

const inBrackets = (words: readonly string[]): string =>
  words.length === 0 ? '' : ` (${words.join(', ')})`

function learnedLines(learned: NonNullable<RegionSteps['learned']>): string[] {
  const { method, exploring, rows, steps, source, network, data = [] } = learned
  const facts = [
    ...(source === undefined ? [] : [[source, ...(network === undefined ? [] : [network])]]),
    ...(rows === undefined ? [] : [['rows of', rows]]),
    ...(exploring ? [['exploring']] : []),
  ].map((words) => words.join(' '))
  const lines = steps.filter(isInQuestion).map(({ region, outcome, share }) => {
    const known = data.find((one) => one.region === region)
    const turns = share > 0 && share < 1_000 ? [`${share / 10} % of turns`] : []
    if (known === undefined) return `    ${region}: ${outcome}${inBrackets(turns)}`
    const { expected_ms: expected, deviation_ms: deviation, measured_ms: measured } = known
    const times = [
      `${expected} ms expected`,
      `deviation ${deviation} ms`,
      ...(measured === undefined ? [] : [`${measured} ms measured`]),
    ]
    return `    ${region}: ${outcome}${inBrackets([...turns, ...times])}`
  })
  return [`  learned latency: ${method}${inBrackets(facts)}`, ...lines]
}

function geographyLines(geography: NonNullable<RegionSteps['geography']>): string[] {
  const { match, cidr, country, continent, steps } = geography
  const facts = [cidr ?? '', country, continent].filter((fact) => fact !== '')
  const lines = steps.filter(isInQuestion).map(({ region, outcome }) => `    ${region}: ${outcome}`)
  return [`  geography: ${match}${inBrackets(facts)}`, ...lines]
}

/** Geography decided wherever no measurement did. */
export function regionLines({ learned, geography }: RegionSteps): string[] {
  return [
    ...(learned === undefined ? [] : learnedLines(learned)),
    ...(geography === undefined || learned?.method === 'learned' ? [] : geographyLines(geography)),
  ]
}
