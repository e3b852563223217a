// Goal: no work is done for readers of the feed who are not there. Method: the API actor of the
// tests that ask why, told what topics are read.
import { expect, test } from 'vitest'
import { whyWorld } from './why-world.ts'

test('samples are made again for the feed only while a reader names them', async () => {
  const { published, behaviour, ask, tell } = await whyWorld(3)
  const told = () => published.filter(([id]) => id === 'api.events-told').length
  expect(told()).toBe(0)
  behaviour.receive['shell.topics-heard']({ topics: ['decision'] })
  ask('app.example.com', [198, 51, 100, 9])
  tell()
  expect(told()).toBe(1)
  behaviour.receive['shell.topics-heard']({ topics: [] })
  ask('app.example.com', [198, 51, 100, 9])
  tell()
  expect(told()).toBe(1)
})
