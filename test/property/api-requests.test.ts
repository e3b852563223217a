// Goal: whatever is asked of the API, it answers: never a 500, never nothing, and always in the
// shapes of its own document.
// Method: requests drawn from the OpenAPI document, right and wrong ones, to the real actor with
// others that answer, that do not, and that fail.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apiDocument } from '../../src/actors/api/table.ts'
import type { LearnedEntry } from '../../src/core/latency/table.ts'
import type { AgentView } from '../../src/messages/agent-views.ts'
import { Conformance } from '../harness/openapi.ts'
import { requestsOf } from '../harness/openapi-requests.ts'
import { apiWorld } from '../unit/actors/api/world.ts'

const isFull = process.env['OPENGSLB_FULL'] === '1'
const RUNS = isFull ? 1_000 : 40

const { operations, reader } = new Conformance(apiDocument('2.0.0'))

const agent: AgentView = {
  ...{ agentId: 'node-1', region: 'us-east', fingerprint: 'ab', alg: 'ed25519', services: [] },
  ...{ firstSeenMs: 1, lastSeenMs: 2, notAfterMs: 3, revoked: false, revokedAtMs: 0 },
  ...{ revokedReason: '', connected: true, boot: 1, backends: 0 },
}

const learned: LearnedEntry = {
  ...{ subnet: '10.1.0.0/24', service: 'app.example.com', region: 'us-east', rttMs: 1 },
  ...{ deviationMs: 0, minMs: 1, samples: 1, weight: 1, observedMs: 1, sources: ['node-1'] },
}

async function worldOf(others: 'answer' | 'are away' | 'fail') {
  const world = await apiWorld()
  const { answers } = world
  answers['api.list-agents'] = () => ({ agents: [agent] })
  answers['api.revoke-agent'] = () => ({ outcome: 'done', message: 'm' })
  answers['api.forget-agent'] = () => ({ outcome: 'not-found', message: 'm' })
  answers['api.pin-agent'] = () => ({ outcome: 'refused', message: 'm' })
  answers['api.list-drains'] = () => ({ drains: [] })
  answers['api.set-drain'] = () => ({ outcome: 'done', message: 'm', ids: ['d'] })
  answers['api.lift-drain'] = () => ({ outcome: 'not-found', message: 'm' })
  answers['api.list-latency'] = () => ({ entries: [learned], total: 1, subnets: 1 })
  answers['api.add-latency'] = () => ({ outcome: 'done', message: 'm' })
  answers['api.validate-now'] = () => ({ count: 1, message: 'm' })
  for (const id of Object.keys(answers) as (keyof typeof answers)[]) {
    if (others === 'are away') delete answers[id]
    if (others === 'fail')
      answers[id] = () => {
        throw new Error('broken on purpose')
      }
  }
  return world
}

describe.each(['answer', 'are away', 'fail'] as const)('while the others %s', (others) => {
  for (const operation of operations) {
    test(`${operation.method} ${operation.pattern} is answered as documented`, async () => {
      const { call } = await worldOf(others)
      await fc.assert(
        fc.asyncProperty(requestsOf(reader, operation), async (asked) => {
          const { method, path, query, headers, body } = asked
          const answer = await call(method, `${path}?${query}`, { headers, body })
          // The world itself holds the answer against the document. Where another actor failed,
          // the 500 says whose fault it was.
          if (others !== 'fail') expect(answer.status).not.toBe(500)
          else if (answer.status === 500) expect(answer.json.error).toMatch(/^the \w+ failed$/)
        }),
        { numRuns: RUNS },
      )
    }, 300_000)
  }
})
