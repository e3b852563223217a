// One party of a flood, run in a network namespace where 198.18.0.0/16 is local: an attacker, or a
// client that keeps within its limits and tells what became of its questions.
// node flood.mjs KIND TARGET PORT NAME MILLISECONDS
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const [kind, target, portText, name, forText] = process.argv.slice(2)
const port = Number(portText)
const endMs = performance.now() + Number(forText)
/** Packets a second of an attacker. */
const RATE = 5_000
const STEP_MS = 5

const [A, TXT] = [1, 16]

/** With EDNS where there are octets of options, be they none. */
function query(asked, id, options, type = A) {
  const labels = asked.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
  const hasOpt = options !== undefined
  const opt = hasOpt ? [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.length, ...options] : []
  return Buffer.from([
    ...[id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, hasOpt ? 1 : 0],
    ...[...labels, 0, 0, type, 0, 1, ...opt],
  ])
}

/** RFC 7871: on behalf of some /24 of anywhere. */
const subnet = () => [0, 8, 0, 7, 0, 1, 24, 0, 1 + random(223), random(256), random(256)]

let seed = 1
const random = (below) => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}
const letter = () => String.fromCharCode(97 + random(26))
const letters = () => Array.from({ length: 12 }, letter).join('')

function bound(address) {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  return new Promise((resolve) => socket.bind(0, address, () => resolve(socket)))
}

/** Sends at the rate of an attacker from many addresses. */
async function flood(addresses, make) {
  const sockets = await Promise.all(addresses.map(bound))
  const zone = name.slice(name.indexOf('.') + 1)
  let sent = 0
  let replies = 0
  for (const socket of sockets) socket.on('message', () => replies++)
  while (performance.now() < endMs) {
    for (let count = 0; count < (RATE * STEP_MS) / 1_000; count++, sent++)
      sockets[random(sockets.length)].send(make(zone, sent & 0xffff), port, target)
    await sleep(STEP_MS)
  }
  await sleep(100)
  for (const socket of sockets) socket.close()
  return { sent, replies }
}

const oneNetwork = Array.from({ length: 64 }, (_, index) => `198.18.7.${index + 1}`)
const manyNetworks = Array.from(
  { length: 400 },
  (_, index) => `198.18.${20 + (index >> 2)}.${1 + (index & 3) * 60}`,
)

function broken(zone, id) {
  const whole = query(`x.${zone}`, id, [])
  switch (id % 4) {
    case 0:
      return whole.subarray(0, random(whole.length))
    case 1:
      return Buffer.concat([whole, Buffer.alloc(8_000, id & 255)])
    case 2:
      return Buffer.from(
        whole.map((octet, at) => (at > 11 && random(4) === 0 ? random(256) : octet)),
      )
    default:
      return Buffer.from(Array.from({ length: random(600) }, () => random(256)))
  }
}

/** Connections that are opened and then say nothing, or half a query, for as long as they may. */
async function idleConnections() {
  let opened = 0
  let ended = 0
  const open = (at) => {
    if (performance.now() >= endMs) return
    const localAddress = manyNetworks[at % manyNetworks.length]
    const socket = connect({ host: target, port, localAddress })
    socket.on('connect', () => {
      opened++
      if (at % 2 === 0) socket.write(Buffer.from([0, 40, 1]))
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      ended++
      setTimeout(() => open(at), 50)
    })
  }
  for (let at = 0; at < 2_000; at++) open(at)
  await sleep(endMs - performance.now())
  return { opened, ended }
}

/** The first packet of connections (RFC 9293 section 3.5) from where nobody answers the second. */
const HALF_OPEN = `
  use Socket; use Time::HiRes qw(time sleep);
  my ($target, $port, $seconds) = @ARGV;
  socket(my $raw, PF_INET, SOCK_RAW, 255) or die "no raw socket: $!";
  my ($to, $end, $sent) = (inet_aton($target), time + $seconds, 0);
  while (time < $end) {
    for (1 .. ${(RATE * STEP_MS) / 1_000}) {
      my $from = inet_aton('203.0.113.' . int rand 256);
      my $tcp = pack 'nnNNCCnnn', 1024 + rand 60_000, $port, rand 2**32, 0, 0x50, 2, 65_535, 0, 0;
      my $sum = unpack '%32n*', $from . $to . pack('nn', 6, 20) . $tcp;
      $sum = ($sum & 0xffff) + ($sum >> 16) for 1 .. 2;
      substr($tcp, 16, 2) = pack 'n', ~$sum & 0xffff;
      my $ip = pack 'CCnnnCCna4a4', 0x45, 0, 40, 0, 0, 64, 6, 0, $from, $to;
      $sent++ if send $raw, $ip . $tcp, 0, pack_sockaddr_in(0, $to);
    }
    sleep ${STEP_MS / 1_000};
  }
  print $sent;`

function halfOpen() {
  const words = ['-e', HALF_OPEN, target, portText, String((endMs - performance.now()) / 1_000)]
  return new Promise((resolve, reject) =>
    execFile('perl', words, (error, out) => (error ? reject(error) : resolve({ sent: +out }))),
  )
}

/** At once, from a network that is never held back: as many as the receive buffer holds. */
async function largeAnswers() {
  const socket = await bound('198.18.210.1')
  const sent = 8_000
  for (let id = 0; id < sent; id++)
    await new Promise((settle) => socket.send(query(name, id, [], TXT), port, target, settle))
  return { sent }
}

/** Fifty questions a second over UDP and ten over TCP, each of which must be answered. */
async function goodClient() {
  const [asked, tcpAsked, waiting] = [{ udp: 0 }, { tcp: 0 }, new Map()]
  let [answered, wrong, tcpAnswered] = [0, 0, 0]
  const socket = await bound('198.18.200.1')
  socket.on('message', (message) => {
    const id = message.readUInt16BE(0)
    if (!waiting.delete(id)) return
    answered++
    // NOERROR, not truncated, one answer.
    if ((message[3] & 15) !== 0 || (message[2] & 2) !== 0 || message.readUInt16BE(6) !== 1) wrong++
  })
  const overTcp = (id) => {
    tcpAsked.tcp++
    const body = query(name, id)
    const stream = connect({ host: target, port, localAddress: '198.18.201.1' })
    stream.on('error', () => {})
    stream.on('connect', () => stream.write(Buffer.concat([Buffer.from([0, body.length]), body])))
    stream.once('data', () => {
      tcpAnswered++
      stream.destroy()
    })
  }
  for (let id = 1; performance.now() < endMs; id++) {
    asked.udp++
    waiting.set(id, true)
    socket.send(query(name, id), port, target)
    if (id % 5 === 0) overTcp(id)
    await sleep(20)
  }
  const patienceMs = performance.now() + 3_000
  const isDone = () => waiting.size === 0 && tcpAnswered === tcpAsked.tcp
  while (!isDone() && performance.now() < patienceMs) await sleep(20)
  return { asked: asked.udp, answered, wrong, tcpAsked: tcpAsked.tcp, tcpAnswered }
}

const parties = {
  names: () => flood(oneNetwork, (zone, id) => query(`${letters()}.${zone}`, id)),
  forged: () => flood(manyNetworks, (_, id) => query(name, id, [])),
  repeated: () => flood(oneNetwork, (_, id) => query(name, id)),
  broken: () => flood(manyNetworks, broken),
  connections: idleConnections,
  subnets: () => flood(manyNetworks, (zone, id) => query(`sticky.${zone}`, id, subnet())),
  halfOpen,
  large: largeAnswers,
  good: goodClient,
}
process.stdout.write(`${JSON.stringify(await parties[kind]())}\n`)
process.exit(0)
