/**
 * `api.auth`, `api.tls`, `api.rate_limit`, `api.audit`: who may use the API, how often, and what is
 * kept of it.
 */
import { roles } from '../../access/roles.ts'
import { key, keys, list, listOf, optional, orShort, section } from '../keys.ts'
import { certificateFingerprint, certificateSubject, moment } from '../kinds/access.ts'
import { servicePattern, tokenHash } from '../kinds/access.ts'
import { orEmpty } from '../kinds/kind.ts'
import { network } from '../kinds/network.ts'
import { bool, duration, integer, size } from '../kinds/numbers.ts'
import { filePath, oneOf, text, word } from '../kinds/texts.ts'

const ROLE = 'What it allows: read, operate (overrides, drains, checks) or admin (everything).'
const SERVICES = 'Services it may change, *. and a name for all under it; empty means all.'

const token = keys({
  token: optional(text(4_096, 16), '', 'The token itself, 16 characters or more.', {
    secret: true,
  }),
  hash: key(orEmpty(tokenHash), '', 'The hash of the token, so that the file need not hold it.'),
  name: key(orEmpty(word), '', 'Name for logs and the audit trail; empty means token-N.'),
  role: key(oneOf(roles), 'admin', ROLE),
  services: list(servicePattern, [], SERVICES),
  expires: optional(moment, '', 'From when on it is refused; absent means never.'),
})

const certificate = keys({
  subject: optional(certificateSubject, '', 'What the subject must say: CN=ops,O=Example.'),
  fingerprint: key(orEmpty(certificateFingerprint), '', 'SHA-256 of the certificate.'),
  name: key(orEmpty(word), '', 'Name for logs and the audit trail; empty means the subject.'),
  role: key(oneOf(roles), 'read', ROLE),
  services: list(servicePattern, [], SERVICES),
})

export const auth = section('Tokens and certificates.', {
  required: key(bool, 'false', 'Whether every request needs a token or a certificate.'),
  tokens: listOf(
    orShort('token', token, 'A token; its text alone is an admin token.'),
    'Tokens that are accepted.',
  ),
  certificates: listOf(certificate, 'Client certificates that are accepted, and what they allow.'),
})

export const tls = section('TLS on the API port. Changed files are read at a reload.', {
  cert_file: key(orEmpty(filePath), '', 'Certificate chain (PEM).', { restart: true }),
  key_file: key(orEmpty(filePath), '', 'Private key (PEM).', { restart: true }),
  client_ca_file: key(orEmpty(filePath), '', 'Authorities of client certificates (PEM).', {
    restart: true,
  }),
  client_auth: key(
    oneOf(['none', 'request', 'require']),
    'none',
    'Whether clients are asked for a certificate, and may go on without one.',
    { restart: true },
  ),
  plain_http: key(
    oneOf(['none', 'loopback', 'all']),
    'none',
    'Who may speak plain HTTP on the same port: nobody, this machine, or everybody.',
    { restart: true },
  ),
})

export const rateLimit = section('How often one client may ask.', {
  enabled: key(bool, 'true', 'Whether requests are limited.'),
  requests_per_second: key(integer(1, 100_000), '100', 'For each address, and for each token.'),
  burst: key(integer(1, 100_000), '200', 'Requests at once after a silence.'),
  auth_failures_per_minute: key(
    integer(1, 10_000),
    '10',
    'Wrong tokens from one address; past it none from there is looked at.',
  ),
  exempt_networks: list(
    network,
    ['127.0.0.0/8', '::1/128'],
    'Who is not limited, neither in requests nor in wrong tokens.',
  ),
})

export const audit = section('The record of every change made through the API.', {
  enabled: key(bool, 'true', 'Whether changes are recorded.', { restart: true }),
  retention: key(duration('1h', '3650d'), '90d', 'How long records are kept.', { restart: true }),
  max_size: key(size('1MB', '1GB'), '64MB', 'How much room they may take.', { restart: true }),
})
