/**
 * Files of TLS as they are on the disk: what was renewed is taken up without a restart, as etcd
 * takes up its own.
 */
import { readFileSync, statSync } from 'node:fs'
import type { TlsFiles } from '../../core/cluster/engine.ts'

export interface TlsParts {
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly ca?: Buffer
}

const partOf = (name: keyof TlsParts, path: string | undefined): TlsParts =>
  path === undefined || path === '' ? {} : { [name]: readFileSync(path) }

export const tlsOf = ({ certFile, keyFile, caFile }: Partial<TlsFiles>): TlsParts => ({
  ...partOf('cert', certFile),
  ...partOf('key', keyFile),
  ...partOf('ca', caFile),
})

function stampOf(files: Partial<TlsFiles>): string {
  return [files.certFile, files.keyFile, files.caFile]
    .map((path = '') => {
      const found = path === '' ? undefined : statSync(path, { throwIfNoEntry: false })
      return `${found?.ino} ${found?.mtimeMs} ${found?.size}`
    })
    .join()
}

/**
 * Calls `take` with what the files hold, now and in each later call after one of them changed.
 * What cannot be read or taken then is left, as while they are written, and tried again.
 */
export function renewing(files: Partial<TlsFiles>, take: (parts: TlsParts) => void): () => void {
  let taken = stampOf(files)
  take(tlsOf(files))
  return () => {
    try {
      const stamp = stampOf(files)
      if (stamp === taken) return
      take(tlsOf(files))
      taken = stamp
    } catch {
      // The former ones go on.
    }
  }
}
