/**
 * What guards the API is complete, and says one thing only.
 */
import { limits } from '../../base/limits.ts'
import type { Path } from '../problems.ts'
import { refuseTwice, type Review } from './report.ts'

export function checkAccess(review: Review): void {
  checkTls(review)
  checkTokens(review)
  checkCertificates(review)
  const { config, given } = review
  const { auth, trust_proxy_headers: older, trusted_proxies: proxies } = config.api
  if (auth.required && auth.tokens.length === 0 && auth.certificates.length === 0)
    review.error(['api', 'auth', 'tokens'], 'must list a token, since api.auth.required is true')
  if (older && given(['api', 'trust_proxy_headers']))
    review.warn(['api', 'trust_proxy_headers'], 'is a key of older files', {
      hint:
        proxies.length > 0
          ? 'it has no effect beside api.trusted_proxies'
          : 'it trusts every address of api.allowed_networks; list proxies in api.trusted_proxies',
    })
}

function checkTls({ config, error }: Review): void {
  const { tls, auth } = config.api
  const asks = tls.client_auth !== 'none'
  if ((tls.cert_file === '') !== (tls.key_file === '')) {
    const missing = tls.cert_file === '' ? 'cert_file' : 'key_file'
    error(['api', 'tls', missing], 'is required beside the other file of api.tls')
  }
  if (asks && tls.client_ca_file === '')
    error(['api', 'tls', 'client_ca_file'], `is required with client_auth: ${tls.client_auth}`)
  if (asks && tls.cert_file === '')
    error(['api', 'tls', 'cert_file'], `is required with client_auth: ${tls.client_auth}`)
  if (tls.plain_http !== 'none' && tls.cert_file === '')
    error(['api', 'tls', 'plain_http'], 'has no effect without api.tls.cert_file')
  if (tls.plain_http !== 'none' && tls.client_auth === 'require')
    error(
      ['api', 'tls', 'plain_http'],
      'lets in clients without a certificate, which client_auth: require shuts out',
    )
  if (!asks && auth.certificates.length > 0)
    error(['api', 'auth', 'certificates'], 'has no effect while api.tls.client_auth is none')
}

function checkTokens(review: Review): void {
  const { tokens } = review.config.api.auth
  const at = (index: number, name: string): Path => ['api', 'auth', 'tokens', index, name]
  const most = limits.accessTokensMax.default
  if (tokens.length > most) review.error(['api', 'auth', 'tokens'], `has more than ${most} items`)
  for (const [index, { token, hash }] of tokens.entries())
    if ((token === undefined) === (hash === ''))
      review.error(
        ['api', 'auth', 'tokens', index],
        token === undefined ? 'has neither token nor hash' : 'has both token and hash',
      )
  const names = tokens.flatMap(({ name }, index) =>
    name === '' ? [] : [[name, at(index, 'name')] as const],
  )
  refuseTwice(review, names, 'is the name of another token')
  const hashes = tokens.flatMap(({ hash }, index) =>
    hash === '' ? [] : [[hash, at(index, 'hash')] as const],
  )
  refuseTwice(review, hashes, 'is the hash of another token')
}

function checkCertificates(review: Review): void {
  for (const [index, { subject, fingerprint }] of review.config.api.auth.certificates.entries())
    if (subject === undefined && fingerprint === '')
      review.error(
        ['api', 'auth', 'certificates', index],
        'has neither subject nor fingerprint, so it is nobody’s',
      )
}
