/**
 * Values of who may: hashes of tokens, fingerprints and subjects of certificates, moments.
 */
import { fail, ok } from '../../base/result.ts'
import { subjectOf } from '../../access/credentials.ts'
import { kindOf, type Kind } from './kind.ts'
import { dnsName } from './network.ts'

/** `sha256:` and 64 hex digits; read as the digits alone, in lower case. */
export const tokenHash: Kind<string> = kindOf({
  name: 'token hash',
  allowed: 'sha256: and 64 hex digits; opengslb-cli key token makes one',
  json: { type: 'string', pattern: '^sha256:[0-9A-Fa-f]{64}$' },
  read: (value) => {
    const hex = /^sha256:([0-9a-f]{64})$/i.exec(value)?.[1]
    if (hex !== undefined) return ok(hex.toLowerCase())
    return fail(value.startsWith('sha256:') ? 'is not 64 hex digits long' : 'is not a token hash')
  },
})

/** SHA-256 of a certificate, with or without colons; read as lower-case hex. */
export const certificateFingerprint: Kind<string> = kindOf({
  name: 'fingerprint',
  allowed: 'the SHA-256 of the certificate in hex, with or without colons',
  json: { type: 'string', pattern: '^(sha256:)?([0-9A-Fa-f]{2}:?){32}$' },
  read: (value) => {
    const hex = value
      .replace(/^sha256:/i, '')
      .replaceAll(':', '')
      .toLowerCase()
    return /^[0-9a-f]{64}$/.test(hex) ? ok(hex) : fail('is not the SHA-256 of a certificate')
  },
})

/** `CN=ops,O=Example`, or a common name alone; read as its attributes. */
export const certificateSubject: Kind<Readonly<Record<string, string>>> = kindOf({
  name: 'subject',
  allowed: 'a common name, or attributes such as CN=ops,O=Example',
  json: { type: 'string', minLength: 1 },
  read: (value) => {
    if (value.trim() === '' || value.length > 512) return fail('is not a subject')
    const attributes = subjectOf(value)
    const sound = Object.entries(attributes).every(
      ([name, text]) => /^[A-Z0-9.]{1,64}$/.test(name) && text !== '',
    )
    return sound && Object.keys(attributes).length > 0 ? ok(attributes) : fail('is not a subject')
  },
})

/** RFC 3339, with its offset; read as Unix milliseconds. A day alone means its beginning in UTC. */
export const moment: Kind<number> = kindOf({
  name: 'time',
  allowed: 'a day such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z',
  json: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}' },
  read: (value) => {
    const day = /^\d{4}-\d{2}-\d{2}$/.test(value)
    const time = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|z|[+-]\d{2}:\d{2})$/.test(
      value,
    )
    const atMs = day || time ? Date.parse(value.replace(' ', 'T')) : Number.NaN
    return Number.isNaN(atMs) ? fail('is not a time') : ok(atMs)
  },
})

/** A service, or `*.example.com` for all under a name. */
export const servicePattern: Kind<string> = kindOf({
  name: 'service',
  allowed: 'a name of a service, or *. and a name for all under it',
  json: { type: 'string', minLength: 1 },
  read: (value) => {
    const wild = value.startsWith('*.')
    const name = dnsName.read(wild ? value.slice(2) : value)
    return name.ok ? ok(`${wild ? '*.' : ''}${name.value}`) : name
  },
})
