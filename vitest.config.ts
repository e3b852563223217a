import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes minutes and proves nothing when it is made small runs at full size alone. */
const large = process.env['OPENGSLB_FULL'] === '1' ? [] : ['test/**/*.full.test.ts']

/** Suites that keep no state of a process: they share one, which halves what they take. */
const sharing = ['core', 'actors', 'messages', 'dashboard'].map(
  (part) => `test/unit/${part}/**/*.test.ts`,
)

/** Those that take longest, on a machine of two cores: a run that ends with one waits for it. */
const longest = [
  'e2e/benches',
  'simulation/product-kills',
  'e2e/demos',
  'e2e/dashboard.test',
  'e2e/dnssec',
  'e2e/agents',
  'e2e/bench-smoke',
  'e2e/cluster',
  'e2e/api',
  'e2e/',
  'simulation/',
  'interop/',
  'property/',
]

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = longest.findIndex((part) => moduleId.includes(`/test/${part}`))
  return place < 0 ? longest.length : place
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}

export default defineConfig({
  test: {
    setupFiles: ['test/harness/drawn.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    fileParallelism: true,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...large, ...sharing],
        },
      },
      {
        extends: true,
        test: {
          name: 'sharing',
          include: sharing,
          exclude: [...configDefaults.exclude, ...large],
          isolate: false,
        },
      },
    ],
  },
})
