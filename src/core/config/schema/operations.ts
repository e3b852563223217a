/**
 * `logging`, `metrics` and `api`: how a node is watched and told what to do.
 */
import { key, list, section } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { dnsName, listenAddress, network } from '../kinds/network.ts'
import { bool } from '../kinds/numbers.ts'
import { filePath, oneOf, text } from '../kinds/texts.ts'

export const logging = section('The log.', {
  level: key(
    oneOf(['debug', 'info', 'warn', 'error'], { warning: 'warn' }),
    'info',
    'Least severe message that is written.',
  ),
  format: key(oneOf(['json', 'text']), 'json', 'How a message is written.', { restart: true }),
  file: key(orEmpty(filePath), '', 'File to append to; empty means standard output.', {
    restart: true,
  }),
})

export const metrics = section('The Prometheus listener.', {
  enabled: key(bool, 'false', 'Whether /metrics is served.', { restart: true }),
  address: key(listenAddress, ':9090', 'Where it is served.', { restart: true }),
  allowed_networks: list(network, ['0.0.0.0/0', '::/0'], 'Who may read it; loopback always may.'),
})

export const api = section('The HTTP API.', {
  enabled: key(bool, 'false', 'Whether the API is served.', { restart: true }),
  address: key(listenAddress, '127.0.0.1:8080', 'Where it is served.', { restart: true }),
  allowed_networks: list(
    network,
    ['127.0.0.1/32', '::1/128'],
    'Who may use it; loopback always may, everyone else is refused.',
  ),
  allowed_hosts: list(
    dnsName,
    [],
    'Host names browsers may use for it, beside addresses, localhost and names without a dot.',
  ),
  trust_proxy_headers: key(
    bool,
    'false',
    'Whether the last hop of X-Forwarded-For is taken for the client.',
  ),
  tls: section('TLS on the API port.', {
    cert_file: key(orEmpty(filePath), '', 'Certificate chain (PEM).', { restart: true }),
    key_file: key(orEmpty(filePath), '', 'Private key (PEM).', { restart: true }),
  }),
  auth: section('Tokens.', {
    required: key(bool, 'false', 'Whether every request needs a token.'),
    tokens: list(text(4_096, 16), [], 'Tokens that are accepted, 16 characters or more.', {
      secret: true,
    }),
  }),
})
