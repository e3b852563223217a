/**
 * The network of a lab: one bridge in a namespace of its own, and a namespace for each host, joined
 * to it. Nothing of it reaches the machine's own network, and no packet leaves it.
 */
import { spawnSync } from 'node:child_process'

export function command(program, words, options = {}) {
  const done = spawnSync(program, words, { encoding: 'utf8', ...options })
  if (done.error) throw done.error
  return done
}

function must(program, ...words) {
  const done = command(program, words)
  if (done.status !== 0) throw new Error(`${program} ${words.join(' ')}: ${done.stderr.trim()}`)
}

const ip = (...words) => must('ip', ...words)

/** Names of interfaces have 15 characters at most. */
const hubOf = (tag) => `${tag}-hub`
export const hostOf = (tag, name) => `${tag}-${name}`

export function makeHub(tag, gateway, prefix) {
  const hub = hubOf(tag)
  ip('netns', 'add', hub)
  ip('-n', hub, 'link', 'set', 'lo', 'up')
  ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge')
  ip('-n', hub, 'addr', 'add', `${gateway}/${prefix}`, 'dev', 'br0')
  ip('-n', hub, 'link', 'set', 'br0', 'up')
}

const joinDirectly = (hub, port, host) =>
  ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host)

/** `join` makes the two ends of the host's line, for one that is not the kernel's own. */
export function makeHost(tag, name, index, address, prefix, gateway, join = joinDirectly) {
  const [hub, host, port] = [hubOf(tag), hostOf(tag, name), `p${index}`]
  ip('netns', 'add', host)
  join(hub, port, host)
  ip('-n', hub, 'link', 'set', port, 'master', 'br0', 'up')
  ip('-n', host, 'addr', 'add', `${address}/${prefix}`, 'dev', 'eth0')
  ip('-n', host, 'link', 'set', 'lo', 'up')
  ip('-n', host, 'link', 'set', 'eth0', 'up')
  ip('-n', host, 'route', 'add', 'default', 'via', gateway)
}

export function removeAll(tag) {
  const { stdout } = command('ip', ['netns', 'list'])
  for (const line of stdout.split('\n')) {
    const [name] = line.split(' ')
    if (name?.startsWith(`${tag}-`)) command('ip', ['netns', 'del', name])
  }
}
