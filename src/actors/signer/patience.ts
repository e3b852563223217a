/**
 * The ports of the signer with an end to each wait: a disk, a peer or a parent that neither answers
 * nor fails would else hold up whoever waits for it, and all who wait for that one, for ever.
 *
 * What is late counts as failed, and the log says what it was. It may still come to pass: no file
 * is written while an earlier write of it is under way.
 */
import { limits } from '../../core/base/limits.ts'
import { fail } from '../../core/base/result.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { SignerPorts } from './contract.ts'

interface World {
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

/** What came of the work, or of `late` where nothing did within the time. */
function inTime<Value>(
  { clock }: World,
  work: Promise<Value>,
  withinMs: number,
  late: () => Value,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(withinMs, () => resolve(late()))
    void work.then(resolve, reject).finally(cancel)
  })
}

/** One write at a time; one that is asked for beside a late one fails at once. */
function writer<Content>(
  world: World,
  what: string,
  save: (content: Content) => Promise<'saved' | 'failed'>,
): (content: Content) => Promise<'saved' | 'failed'> {
  let isLate = false
  return async (content) => {
    if (isLate) return 'failed'
    const work = save(content)
    return await inTime(world, work, limits.signerDiskMs.default, () => {
      isLate = true
      void work
        .catch(() => {})
        .then(() => {
          isLate = false
        })
      return said(world, what, 'failed' as const)
    })
  }
}

const LATE = `no answer of the disk within ${limits.signerDiskMs.default} ms`

function said<Value>({ log }: World, what: string, value: Value): Value {
  log.error(`${what}: ${LATE}`)
  return value
}

/** What its peer is given beyond the time that the port itself keeps to. */
const SPARE_MS = 1_000

export function patientPorts(world: World, ports: SignerPorts): SignerPorts {
  const disk = <Value>(what: string, work: Promise<Value>, value: Value) =>
    inTime(world, work, limits.signerDiskMs.default, () => said(world, what, value))
  const lost = { keys: [], faults: [{ file: 'import', fault: LATE }], isUnread: true }
  return {
    ...ports,
    loadKeys: () =>
      disk('keys are not read', ports.loadKeys(), { code: 'failed', message: `keys: ${LATE}` }),
    saveKeys: writer(world, 'keys are not written', (content) => ports.saveKeys(content)),
    loadSignatures: () =>
      disk('signatures are not read, and made again', ports.loadSignatures(), undefined),
    saveSignatures: writer(world, 'signatures are not written', (octets) =>
      ports.saveSignatures(octets),
    ),
    readImports: () => disk('keys laid down are not read', ports.readImports(), lost),
    dropImports: (zones) =>
      disk('key files that were taken are not removed', ports.dropImports(zones), undefined),
    post: (peer, message, timeoutMs) =>
      inTime(world, ports.post(peer, message, timeoutMs), timeoutMs + SPARE_MS, () =>
        fail(`no answer in ${timeoutMs} ms`),
      ),
    askParent: (zone, parent) =>
      inTime(world, ports.askParent(zone, parent), limits.parentLookMs.default, () => {
        world.log.warn('the parent was not heard in time', { zone })
        return []
      }),
  }
}
