/**
 * `logging`, `metrics` and `api`: how a node is watched and told what to do.
 */
import { key, list, section } from '../keys.ts'
import { orEmpty } from '../kinds/kind.ts'
import { dnsName, listenAddress, network } from '../kinds/network.ts'
import { bool } from '../kinds/numbers.ts'
import { filePath, oneOf } from '../kinds/texts.ts'
import { audit, auth, rateLimit, tls } from './access.ts'

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
  trusted_proxies: list(
    network,
    [],
    'Proxies whose X-Forwarded-For is believed, read from the right; nobody else’s is.',
  ),
  trust_proxy_headers: key(
    bool,
    'false',
    'Older form: every address of allowed_networks is a trusted proxy.',
  ),
  tls,
  auth,
  rate_limit: rateLimit,
  audit,
})
