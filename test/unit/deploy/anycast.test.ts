/**
 * Goal: the route is announced while the node is ready, stays through an upgrade, and is withdrawn
 * before a stop. Method: deploy/anycast/opengslb-anycast with stand-ins for curl, dig, birdc and
 * sleep, which play a script; test/e2e/anycast.full.test.ts has the real ones.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { root } from '../../harness/source.ts'
import { has } from '../../harness/tools.ts'

const script = join(root, 'deploy', 'anycast', 'opengslb-anycast')
let folder = ''

function standIn(name: string, text: string): void {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
}

/** Turns of `watch`, each a status of the API and whether DNS answers; what BIRD was told. */
function watched(turns: readonly (readonly [code: string, isAnswering: boolean])[]): string[] {
  writeFileSync(join(folder, 'codes'), turns.map(([code]) => `${code}\n`).join(''))
  writeFileSync(join(folder, 'answers'), turns.map(([, is]) => `${is}\n`).join(''))
  writeFileSync(join(folder, 'turn'), '1\n')
  run('watch')
  return told()
}

const run = (verb: string) =>
  spawnSync('sh', [script, verb], {
    env: { PATH: `${folder}:/usr/bin:/bin`, HERE: folder, HELD: join(folder, 'held') },
    encoding: 'utf8',
    timeout: 10_000,
  })

const told = () => readFileSync(join(folder, 'told'), 'utf8').split('\n').slice(0, -1)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-anycast-'))
  writeFileSync(join(folder, 'told'), '')
  const line = (file: string) => `sed -n "$(cat $HERE/turn)p" $HERE/${file}`
  standIn('curl', `printf %s "$(${line('codes')})"`)
  standIn('dig', `[ "$(${line('answers')})" = true ] && echo 'status: NOERROR'`)
  standIn('birdc', 'echo "$1 $2" >> $HERE/told')
  // The last turn ends the watch, which is this program's parent.
  standIn(
    'sleep',
    `n=$(($(cat $HERE/turn) + 1)); echo $n > $HERE/turn
[ "$(${line('codes')})" != '' ] || kill $PPID`,
  )
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('opengslb-anycast', () => {
  test('announces once while the node is ready', () => {
    expect(
      watched([
        ['200', true],
        ['200', true],
      ]),
    ).toEqual(['enable anycast'])
  })

  test('announces nothing before the node is ready', () => {
    expect(
      watched([
        ['503', false],
        ['000', false],
        ['200', true],
      ]),
    ).toEqual(['disable anycast', 'enable anycast'])
  })

  test('withdraws after two misses, not after one', () => {
    expect(
      watched([
        ['200', true],
        ['503', true],
        ['200', true],
        ['000', false],
        ['000', false],
      ]),
    ).toEqual(['enable anycast', 'disable anycast'])
  })

  test('keeps the route while the API is silent and DNS answers, as in an upgrade', () => {
    expect(
      watched([
        ['200', true],
        ['000', true],
        ['000', true],
        ['000', true],
      ]),
    ).toEqual(['enable anycast'])
  })

  test('says it again to a daemon that may have been started anew', () => {
    const ready = Array.from({ length: 45 }, () => ['200', true] as const)
    expect(watched(ready)).toEqual(Array(3).fill('enable anycast'))
    writeFileSync(join(folder, 'told'), '')
    const down = Array.from({ length: 45 }, () => ['503', true] as const)
    expect(watched(down)).toEqual(Array(3).fill('disable anycast'))
  })

  test('tries until the daemon takes it', () => {
    standIn('birdc', 'echo "$1 $2" >> $HERE/told; [ "$(cat $HERE/turn)" -gt 2 ]')
    const ready = Array.from({ length: 5 }, () => ['200', true] as const)
    expect(watched(ready)).toEqual(Array(3).fill('enable anycast'))
  })

  test('withdraws before a stop, whatever the node says, until it is released', () => {
    writeFileSync(join(folder, 'codes'), '200\n200\n')
    writeFileSync(join(folder, 'turn'), '1\n')
    run('withdraw')
    expect(told()).toEqual(['disable anycast'])
    expect(watched([['200', true]])).toEqual(['disable anycast', 'disable anycast'])
    run('release')
    expect(watched([['200', true]]).at(-1)).toBe('enable anycast')
  })

  test('announces again after its unit was restarted, and stays held where a stop holds', () => {
    const unit = readFileSync(`${script}.service`, 'utf8')
    const verb = /^ExecStopPost=\S+ (\S+)$/m.exec(unit)?.[1] ?? ''
    watched([['200', true]])
    run(verb)
    expect(watched([['200', true]])).toEqual([
      'enable anycast',
      'disable anycast',
      'enable anycast',
    ])
    run('withdraw')
    run(verb)
    expect(watched([['200', true]]).at(-1)).toBe('disable anycast')
  })

  test.runIf(has('bird'))('BIRD reads the examples', () => {
    for (const name of ['bird-node.conf', 'bird-router.conf']) {
      const file = join(root, 'deploy', 'anycast', name)
      const { status, stderr } = spawnSync('bird', ['-p', '-c', file], { encoding: 'utf8' })
      expect([status, stderr], name).toEqual([0, ''])
    }
  })
})

describe('opengslb-route', () => {
  const route = (...words: readonly string[]) =>
    spawnSync('sh', [join(root, 'deploy', 'anycast', 'opengslb-route'), ...words], {
      env: { PATH: `${folder}:/usr/bin:/bin`, HERE: folder },
    }).status

  // FRR says on its standard output what is wrong, and what is not there to be taken away.
  const vtysh = (status: number, says: string) =>
    standIn(
      'vtysh',
      `for word; do echo "$word"; done >> $HERE/told; echo "${says}"; exit ${status}`,
    )

  test('tells bgpd to announce and to withdraw, and a second withdrawal is no error', () => {
    vtysh(0, '')
    expect([route('enable', '192.0.2.1/32'), route('disable', '2001:db8::1/128')]).toEqual([0, 0])
    const words = told().filter((word) => word !== '-c')
    const steps = (family: string, last: string) =>
      ['configure terminal', 'router bgp'].concat(`address-family ${family} unicast`, last)
    expect(words).toEqual([
      ...steps('ipv4', 'network 192.0.2.1/32'),
      ...steps('ipv6', 'no network 2001:db8::1/128'),
    ])
    vtysh(1, "% Can't find static route specified")
    expect([route('disable', '192.0.2.1/32'), route('enable', '192.0.2.1/32')]).toEqual([0, 1])
  })

  test('is an error where bgpd does not run, and without a prefix', () => {
    vtysh(1, 'bgpd is not running')
    expect([route('enable', '192.0.2.1/32'), route('disable', '192.0.2.1/32')]).toEqual([1, 1])
    expect([route('enable'), route('disable', 'anycast')]).toEqual([2, 2])
  })
})
