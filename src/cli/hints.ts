/**
 * What to look at next when the API refuses or is not reached: one sentence to an error.
 */

/** What a status of the API asks for; undefined where its own words say all. */
export function hintOfStatus(status: number, path: string): string | undefined {
  if (status === 401)
    return 'give a token with --token, --token-file, OPENGSLB_TOKEN or OPENGSLB_TOKEN_FILE'
  if (status === 403)
    return 'api.allowed_networks must name this machine, and a token needs the role for this'
  if (status === 404 && /^\/api\/v1\/(?:geo|dnssec|events)\b/.test(path))
    return 'this node does not offer that: "opengslb-cli status" shows its version and mode'
  if (status === 409) return 'look with "opengslb-cli status"; --force does it all the same'
  if (status === 412) return 'somebody changed it meanwhile: look again, then repeat'
  if (status === 429) return 'too many requests: wait, then repeat'
  if (status === 503) return 'the node is starting or a part of it is not: "opengslb-cli status"'
  return undefined
}

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is opengslb running, with api.enabled, and is its api.address the one of --api?',
  ENOTFOUND: 'the name in --api or OPENGSLB_API does not resolve',
  EAI_AGAIN: 'the name in --api or OPENGSLB_API does not resolve at this moment',
  EHOSTUNREACH: 'no route leads to that address',
  ENETUNREACH: 'no route leads to that address',
  ECONNRESET: 'does the API speak TLS there? Then --api begins with https://',
  HPE_INVALID_CONSTANT: 'does the API speak TLS there? Then --api begins with https://',
  EPROTO: 'does the API speak plain HTTP there? Then --api begins with http://',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the API speaks plain HTTP there: --api begins with http://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the API speaks plain HTTP there: --api begins with http://',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'name the certificate that signed it with --cacert',
  SELF_SIGNED_CERT_IN_CHAIN: 'name the certificate that signed it with --cacert',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'name the certificate that signed it with --cacert',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'name the certificate that signed it with --cacert',
  CERT_HAS_EXPIRED: 'the certificate of the API has ended: renew it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name: use that in --api',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the API wants a certificate: --cert and --key',
  TIMED_OUT: 'a longer --timeout may help; a firewall that drops packets looks the same',
}

/** What a failed connection asks for; `code` is that of Node or OpenSSL. */
export const hintOfFailure = (code: string | undefined): string | undefined =>
  code === undefined ? undefined : BY_CODE[code]
