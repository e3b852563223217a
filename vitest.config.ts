import { configDefaults, defineConfig } from 'vitest/config'

/** What takes minutes and proves nothing when it is made small runs at full size alone. */
const large = process.env['OPENGSLB_FULL'] === '1' ? [] : ['test/**/*.full.test.ts']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...large],
    setupFiles: ['test/harness/drawn.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    fileParallelism: true,
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
  },
})
