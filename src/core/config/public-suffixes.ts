/**
 * Names under which others register theirs, so that none of them is offered as a zone.
 *
 * A bounded rule and a short list, not the public suffix list: that one has ten thousand entries,
 * changes weekly, and is only needed where a browser must be right about every name. What is
 * missing here costs one useless suggestion, or one warning that is not given.
 */

/** Labels under a country's domain that registries of many countries hand out names below. */
const REGISTRY_LABELS: ReadonlySet<string> = new Set(
  (
    'ac ad asn co com edu firm gen go gob gouv gov gv id idv ind info lg ltd me mil muni name ne ' +
    'net nhs nic nom or org plc police pro res sch tm web'
  ).split(' '),
)

/** Endings that never belong to a registry (RFC 2606, RFC 6761, RFC 8375 and common usage). */
const PRIVATE_ENDINGS: ReadonlySet<string> = new Set(
  'arpa corp example home internal intranet invalid lan local localhost private test'.split(' '),
)

/** Of several labels and outside the rule: second registries, and hosters that hand out names. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'br.com cn.com co.com de.com eu.com gb.net jpn.com la.com mex.com ru.com sa.com se.net ' +
    'uk.com uk.net us.com za.com eu.org us.org in-addr.arpa ip6.arpa e164.arpa ' +
    'act.au nsw.au nt.au qld.au sa.au tas.au vic.au wa.au nsw.edu.au vic.edu.au qld.edu.au ' +
    'nsw.gov.au vic.gov.au qld.gov.au ab.ca bc.ca mb.ca nb.ca ns.ca on.ca qc.ca sk.ca ' +
    'tokyo.jp osaka.jp kyoto.jp hokkaido.jp k12.ca.us k12.ny.us k12.tx.us ca.us ny.us tx.us ' +
    'police.uk mod.uk asso.fr presse.fr museum.no priv.no ' +
    'amazonaws.com s3.amazonaws.com elb.amazonaws.com cloudfront.net elasticbeanstalk.com ' +
    'awsapprunner.com appspot.com a.run.app web.app firebaseapp.com cloudfunctions.net ' +
    'azurewebsites.net cloudapp.net cloudapp.azure.com azureedge.net blob.core.windows.net ' +
    'trafficmanager.net windows.net herokuapp.com github.io githubusercontent.com gitlab.io ' +
    'netlify.app vercel.app pages.dev workers.dev fly.dev onrender.com railway.app blogspot.com ' +
    'wordpress.com myshopify.com ngrok.io ngrok.app ngrok-free.app duckdns.org dyndns.org ' +
    'no-ip.org ddns.net dynv6.net nip.io sslip.io readthedocs.io digitaloceanspaces.com ' +
    'ondigitalocean.app fastly.net akamaized.net edgekey.net'
  ).split(' '),
)

/** Whether others register names below this one, as far as the rule and the list know. */
export function isPublicSuffix(name: string): boolean {
  const labels = name.split('.')
  const last = labels.at(-1) ?? ''
  if (labels.length === 1) return !PRIVATE_ENDINGS.has(last)
  if (KNOWN.has(name)) return true
  // Country codes have two letters (ISO 3166); their registries use the labels above.
  return labels.length === 2 && last.length === 2 && REGISTRY_LABELS.has(labels[0]!)
}
