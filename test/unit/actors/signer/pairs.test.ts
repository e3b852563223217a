// Goal: a thread that makes keys never stands still for ever. Method: a process makes pairs by the
// thousand, with garbage of changing size between them, so that node collects in every moment that
// there is; a lock that it waits for by itself shows as a process that does not end.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { newPair } from '../../../../src/actors/signer/ports-pairs.ts'

const built = new URL('../../../../dist/actors/signer/', import.meta.url).href

/** One export in four thousand froze, so that of so many none survived. */
const PROGRAM = `
const { nodeDnssecCrypto } = await import('${built}ports-crypto.js')
const { nodeSyncCrypto } = await import('${built}ports-sync-crypto.js')
const crypto = nodeDnssecCrypto()
const sync = nodeSyncCrypto(crypto)
let made = 0
let garbage
const make = (run, count) => {
  for (let at = 0; at < count; at++) {
    run()
    made++
    garbage = new Array((at * 7919) % 2000).fill(at)
  }
}
make(() => sync.agreementPair(), 30_000)
make(() => crypto.generate(13, 2048), 15_000)
make(() => crypto.generate(15, 2048), 15_000)
make(() => crypto.generate(8, 1024), 2)
process.stdout.write(String(made))
`

test('signer: of sixty thousand pairs of keys none is waited for without end', {
  timeout: 90_000,
}, async () => {
  const args = ['--input-type=module', '--eval', PROGRAM]
  const run = promisify(execFile)(process.execPath, args, {
    timeout: 90_000,
    killSignal: 'SIGKILL',
  })
  expect((await run).stdout).toBe('60002')
})

test('signer: a pair has the numbers of its kind, private and public', () => {
  const named = (pair: object) => Object.keys(pair).sort().join(' ')
  expect(named(newPair({ type: 'x25519' }))).toBe('crv d kty x')
  expect(named(newPair({ type: 'ed25519' }))).toBe('crv d kty x')
  expect(named(newPair({ type: 'ec', namedCurve: 'P-256' }))).toBe('crv d kty x y')
  expect(named(newPair({ type: 'rsa', modulusLength: 1_024 }))).toBe('d dp dq e kty n p q qi')
})
