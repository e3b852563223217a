/**
 * The events of the feed as a page and as a JSON schema, both made from definitions.ts.
 */
import { type EventDefinition, type EventName, events, partsOf } from './definitions.ts'
import { topics, volatileTopics } from './event.ts'

const listed = Object.entries(events as Readonly<Record<string, EventDefinition>>).map(
  ([name, definition]) => ({ ...partsOf(name as EventName), ...definition }),
)

const isVolatile = (topic: string) => volatileTopics.some((one) => one === topic)

const TOPICS: Readonly<Record<(typeof topics)[number], string>> = {
  health: 'status of backends and pools',
  drain: 'what goes out of service in good order',
  override: 'orders of operators over checks',
  registration: 'backends and agents that come and go',
  gossip: 'members of the gossip cluster',
  delta: 'each change of what the DNS threads answer with',
  dnssec: 'keys and signatures',
  cluster: 'the overwatches among themselves',
  config: 'configurations taken over and refused',
  alarm: 'what somebody should look at',
  decision: 'samples of DNS answers; live only',
  rate: 'rates by the second; live only',
}

function section({ topic, kind, doc, data }: (typeof listed)[number]): string[] {
  const rows = Object.entries(data).map(
    ([name, { type, optional, doc: meaning }]) =>
      `| \`${name}\` | ${type}${optional ? ', optional' : ''} | ${meaning} |`,
  )
  const table = ['| data | type | meaning |', '|---|---|---|', ...rows, '']
  return [`### ${topic}: ${kind}`, '', doc, '', ...(rows.length === 0 ? [] : table)]
}

/** docs/reference/events.md */
export function eventsMarkdown(): string {
  const sections = topics.flatMap((topic) => {
    const own = listed.filter((one) => one.topic === topic)
    return own.length === 0 ? [] : [`## ${topic}`, '', ...own.flatMap(section)]
  })
  const lines = [
    '# Events of the live feed',
    '',
    'Generated from `src/core/events/definitions.ts` by `npm run generate`; the JSON schema of',
    'every message is [events.schema.json](events.schema.json). How to listen is in',
    '[the feed](../guides/feed.md).',
    '',
    '| topic | about |',
    '|---|---|',
    ...topics.map((topic) => `| \`${topic}\` | ${TOPICS[topic]} |`),
    '',
    ...sections,
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

const NUMBER = { type: 'integer', minimum: 0 }
const TEXTS = { type: 'array', items: { type: 'string' } }
const filterProperties = { topics: TEXTS, services: TEXTS, regions: TEXTS }

const objectOf = (
  title: string,
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
) => ({ title, type: 'object', required, properties })

function eventSchema({ topic, kind, doc, data }: (typeof listed)[number]) {
  const required = Object.entries(data).filter(([, { optional }]) => !optional)
  const properties = Object.entries(data).map(([name, { type, doc: description }]) => [
    name,
    { type, description },
  ])
  const own = isVolatile(topic)
    ? { live: { const: true }, serial: NUMBER }
    : { number: { type: 'integer', minimum: 1 } }
  return {
    ...objectOf(
      `${topic}: ${kind}`,
      {
        type: { const: 'event' },
        ...own,
        at: { type: 'string', format: 'date-time' },
        topic: { const: topic },
        kind: { const: kind },
        service: { type: 'string' },
        region: { type: 'string' },
        data: {
          type: 'object',
          required: required.map(([name]) => name),
          properties: Object.fromEntries(properties) as Readonly<Record<string, unknown>>,
        },
      },
      ['type', 'at', 'topic', 'kind', 'data'],
    ),
    description: doc,
  }
}

/** The schema of every message that a reader gets. */
export function eventsJsonSchema() {
  const type = (value: string) => ({ type: { const: value } })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A message of the live feed',
    oneOf: [
      ...listed.map(eventSchema),
      objectOf(
        'hello',
        {
          ...type('hello'),
          number: NUMBER,
          version: { type: 'string' },
          node_id: { type: 'string' },
          ...filterProperties,
        },
        ['type', 'number', 'version', 'node_id'],
      ),
      objectOf(
        'gap',
        {
          ...type('gap'),
          from: NUMBER,
          to: NUMBER,
          reason: { enum: ['expired', 'missing', 'ahead'] },
        },
        ['type', 'from', 'to', 'reason'],
      ),
      objectOf('subscribed', { ...type('subscribed'), number: NUMBER, ...filterProperties }, [
        'type',
        'number',
      ]),
      objectOf(
        'error',
        { ...type('error'), code: { type: 'string' }, message: { type: 'string' } },
        ['type', 'code', 'message'],
      ),
    ],
  }
}
