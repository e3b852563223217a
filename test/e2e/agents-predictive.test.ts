// Goal: errors that an application counts itself take traffic from its server by and by, and give
// it back once they are over; where all servers have them, all go on answering. Method: pages of
// metrics that the test writes; shares seen in DNS and told by the API.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentSite } from '../harness/agent-site.ts'
import { writeGroup } from '../harness/control-group.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const site = new AgentSite(['127.99.12.21', '127.99.12.22'])

/** A page of counters that grow each time they are read, by the share of errors set. */
class Application {
  errorShare = 0
  #total = 0
  #errors = 0
  readonly #server: Server = createServer((_request, response) => {
    this.#total += 100
    this.#errors += Math.round(100 * this.errorShare)
    response.end(`requests_total ${this.#total}\nerrors_total ${this.#errors}\n`)
  })

  start(): Promise<string> {
    return new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo
        resolve(`http://127.0.0.1:${port}/metrics`)
      }),
    )
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const application = new Application()
const other = new Application()

describe.runIf(has('dig'))('predictive health', () => {
  beforeAll(async () => {
    await site.start()
    writeGroup(site.overwatch.folder, 0, 100)
    const quiet = '{ threshold: 99, window: 2s, bleed_duration: 6s }'
    for (const [index, app] of [other, application].entries()) {
      await site.agents[index]!.stop()
      const source = `{ url: "${await app.start()}", errors: errors_total, total: requests_total }`
      const errors = `{ threshold: 20, window: 2s, bleed_duration: 6s, source: ${source} }`
      site.startAgent(site.addresses[index]!, {
        predictive: `{ enabled: true, check_interval: 500ms, cgroup: ${site.overwatch.folder}, cpu: ${quiet}, memory: ${quiet}, error_rate: ${errors} }`,
      })
    }
    await site.comes('with predictive health', site.all, 15_000)
  }, 60_000)

  afterAll(async () => {
    application.stop()
    other.stop()
    await site.remove()
  })

  test('its share falls while there are errors, and rises when they are over', async () => {
    const out = site.addresses[1]!
    const half = async () => Math.abs((await site.shareOf(out)) - 0.5) < 0.1
    await until('each has its half', half, 20_000)
    const shares: number[] = []
    const watch = (what: string, holds: (share: number) => boolean) =>
      until(
        what,
        async () => {
          shares.push(await site.shareOf(out, 40))
          return holds(shares.at(-1)!)
        },
        60_000,
      )
    application.errorShare = 0.6
    await watch('most went elsewhere', (share) => share < 0.1)
    expect(await site.status()).toBe('NOERROR')
    application.errorShare = 0
    await watch('it has its share again', (share) => share > 0.42)
    // By and by: between whole and nothing it was in some of the answers.
    expect(shares.some((share) => share >= 0.1 && share <= 0.42)).toBe(true)
    site.measured.push(`shares: ${shares.map((share) => share.toFixed(2)).join(' ')}`)
  }, 150_000)

  test('where every server has errors the pool keeps its floor, and all go on answering', async () => {
    const shares = async () => {
      const { backends } = (await site.call('GET', '/overwatch/backends')).json() as {
        backends: { share: number }[]
      }
      return backends.map(({ share }) => share)
    }
    for (const app of [application, other]) app.errorShare = 0.6
    const statuses = new Set<string>()
    const atFloor = async () => {
      statuses.add(await site.status())
      return (await shares()).every((share) => share === 0.5)
    }
    await until('both are at the floor', atFloor, 60_000)
    // Their agents ask for ever less; nobody could take what they give up.
    expect(await site.served(16)).toBe(site.all)
    for (const app of [application, other]) app.errorShare = 0
    await until('both are whole', async () => (await shares()).every((one) => one === 1), 60_000)
    expect([...statuses]).toEqual(['NOERROR'])
  }, 150_000)
})
