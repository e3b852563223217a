/**
 * Clients that stick in large pools: the same minimal moves as by a draw of every server
 * (sticky.ts), at a cost that does not grow with their number.
 *
 * Servers lie on a ring by a hash of their address. A client has four points there, and a server
 * heeds each of them for one client in 32, by the draw of both. The nearest point that it heeds,
 * to either side, divided by its weight, is how far it is from the client; one that heeds none is
 * farther than half the ring, as far as the draw says. The nearest server has the client.
 *
 * How far a server is depends on it and the client alone, so one that goes gives its own clients
 * away and no others, whatever its weight. Servers near each other share what lies around them,
 * which is why most points are not heeded: it makes for other neighbours with each client.
 *
 * Those around a point are looked up; where too few of them serve, all are asked.
 */
import {
  ARC,
  ARC_COUNT,
  ARC_GUIDES,
  ARC_SHIFT,
  ENTRY,
  ENTRY_CANDIDATE,
  ENTRY_SEED,
  RING_SERVERS,
  type RingLayout,
  STRETCH,
  STRETCH_RANK,
} from './ring-layout.ts'
import type { Pools } from './pools.ts'
import { FULL, isGiven, isPassedOn, keepScored, LIGHT, mixed, ROOM } from './sticky-draws.ts'
import { NEWEST } from './sticky-orders.ts'
import { isServing } from './view.ts'

/** Points of a client, each heeded by what one octet of the draw has in these bits. */
const POINTS = 4
const HEED_MASK = 31
/** Of the points of all clients, by how many a server is heeded, as one in so many. */
const HEEDED = 8
const POINT_STEP = 0x7feb352d
const TAIL_MASK = 0x68e31da4
const RAMP_MASK = 0x3c6ef372

const HALF = 0x8000_0000
const WHOLE = 0x1_0000_0000
/** As many candidates more than wanted lie within the first reach, on average. */
const SPARE = 2
/** To look up the points of a client on an arc, in candidates asked. */
const ARC_COST = 16

// Numbers with fractions that would be boxed elsewhere: how far a candidate may be for a unit of
// weight; how far the newest is.
const REACH = 0
const AWAY = 1

/**
 * Whether the client draws by rings in this pool. In one that has them just so, few clients do, and
 * with each further server some more, so that none moves all at once.
 */
export function drawsByRing(pools: Pools, pool: number, key: number): boolean {
  const { rings } = pools.layout
  if (rings === undefined || rings.of[pool]! < 0) return false
  const more = pools.membersOf(pool) - RING_SERVERS
  return more >= RING_SERVERS || (mixed(key ^ RAMP_MASK) & (RING_SERVERS - 1)) < more
}

export class RingSearch {
  readonly #pools: Pools
  readonly #rings: RingLayout
  readonly #reals = new Float64Array(2)
  readonly #points = new Int32Array(POINTS)
  // Of the question at hand.
  #pool = 0
  #base = 0
  #key = 0
  #from = 0
  #size = 0
  /** Number of the first server of the stretch, and how many of its servers have no place. */
  #rank = 0
  #missing = 0
  /** Whether it holds who serves, and not who stands in for them. */
  #serves = false
  #even = false
  #out: Int32Array = new Int32Array(0)
  #given = 0
  #room = 0
  #kept = 0
  /** Thousandths of its weight that a server takes at most. */
  #share = 0

  constructor(pools: Pools, rings: RingLayout) {
    this.#pools = pools
    this.#rings = rings
  }

  /** Seeks the best of a stretch of places; leaves them in `orders`, returns how many there are. */
  draw(
    pool: number,
    key: number,
    from: number,
    size: number,
    group: number,
    even: boolean,
    out: Int32Array,
    given: number,
    wanted: number,
  ): number {
    const pools = this.#pools
    const { of, stretches, arcs, peaks } = this.#rings
    const groups = Math.max(1, pools.groupsOf(pool))
    const isSix = from >= pools.placesFrom(pool, 6)
    const own = of[pool]! + (isSix ? groups : 0) * STRETCH
    const first = own + Math.max(0, group) * STRETCH
    const end = group < 0 ? own + groups * STRETCH : first + STRETCH
    this.#pool = pool
    this.#base = pools.addressFrom(pool)
    this.#key = key
    this.#from = from
    this.#size = size
    this.#rank = stretches[first + STRETCH_RANK]!
    this.#missing = stretches[end + STRETCH_RANK]! - this.#rank - size
    this.#even = even
    this.#out = out
    this.#given = given
    this.#room = wanted - given
    this.#share = pools.tops[pool * 2 + (isSix ? 1 : 0)]!
    for (let point = 0; point < POINTS; point++)
      this.#points[point] = mixed(key ^ Math.imul(point + 1, POINT_STEP))
    const lastArc = stretches[end]!
    let mass = 0
    for (let arc = stretches[first]!; arc < lastArc; arc++)
      mass += arcs[arc * ARC + ARC_COUNT]! * peaks[arc]! * this.#share
    const foremost = pools.places[from]!
    this.#serves = isServing(pools.words[this.#base + foremost]!)
    // Fallback addresses lie on no arc.
    if (foremost >= pools.membersOf(pool)) return this.#askAll()
    let reach = ((this.#room + SPARE) * HEEDED * HALF * (1 + this.#missing / size)) / mass
    // Those around the points, who are sooner asked than others, must not be too many of all, and
    // to begin an arc costs as much as some of them.
    const most = size * 2 - (lastArc - stretches[first]!) * ARC_COST
    for (; (reach * mass * POINTS) / HALF < most; reach *= 4) {
      this.#reals[REACH] = reach
      this.#kept = 0
      for (let arc = stretches[first]!; arc < lastArc; arc++) this.#seek(arc)
      if (this.#kept === this.#room && pools.orders.ranks[this.#room - 1] === ROOM)
        return this.#room
    }
    return this.#askAll()
  }

  /** Asks those of an arc that lie within reach. */
  #seek(arc: number): void {
    const { arcs, guides, entries, peaks } = this.#rings
    const peak = peaks[arc]! * this.#share
    const start = arcs[arc * ARC]!
    const end = start + arcs[arc * ARC + ARC_COUNT]!
    if (this.#reals[REACH]! * peak >= HALF) {
      // A few heavy ones among many light ones.
      for (let at = start; at < end; at++)
        this.#ask(this.#placeOf(entries[at * ENTRY + ENTRY_CANDIDATE]!))
      return
    }
    for (let number = 0; number < POINTS; number++) {
      const point = this.#points[number]!
      const guide = arcs[arc * ARC + ARC_GUIDES]! + (point >>> arcs[arc * ARC + ARC_SHIFT]!)
      let at = guides[guide]!
      while (at < end && entries[at * ENTRY]! >>> 0 < point >>> 0) at++
      this.#walk(number, at, 1, start, end, peak)
      this.#walk(number, at - 1, -1, start, end, peak)
    }
  }

  /** Asks those to one side of a point, the nearest first. */
  #walk(number: number, first: number, step: number, start: number, end: number, peak: number) {
    const { entries } = this.#rings
    const reals = this.#reals
    const key = this.#key
    const point = this.#points[number]!
    const shift = number << 3
    let bound = reals[REACH]! * peak
    let at = first
    for (let left = end - start; left > 0; left--) {
      if (at === end) at = start
      else if (at < start) at = end - 1
      const away = Math.imul(step, entries[at * ENTRY]! - point) >>> 0
      if (away > bound) return
      const draw = mixed(key ^ entries[at * ENTRY + ENTRY_SEED]!)
      if (((draw >>> shift) & HEED_MASK) === 0) {
        reals[AWAY] = away
        this.#take(this.#placeOf(entries[at * ENTRY + ENTRY_CANDIDATE]!), draw)
        bound = reals[REACH]! * peak
      }
      at += step
    }
  }

  /** Where a server stands among the places, which are filled by rank; -1 for nowhere. */
  #placeOf(candidate: number): number {
    const { places, words } = this.#pools
    const { ranks } = this.#rings
    const base = this.#base
    if (this.#serves && !isServing(words[base + candidate]!)) return -1
    const rank = ranks[base + candidate]!
    const most = rank - this.#rank
    let low = this.#from + Math.max(0, most - this.#missing)
    let high = this.#from + Math.min(most, this.#size - 1)
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranks[base + places[middle]!]! < rank) low = middle + 1
      else high = middle
    }
    return places[low] === candidate ? low : -1
  }

  /** All of the stretch; those that take nothing come last. */
  #askAll(): number {
    const { orders } = this.#pools
    this.#reals[REACH] = Number.POSITIVE_INFINITY
    this.#kept = 0
    const end = this.#from + this.#size
    for (let place = this.#from; place < end; place++) this.#ask(place)
    if (this.#kept === this.#room) return this.#room
    for (let place = this.#from; place < end; place++) {
      if (this.#weightOf(place) > 0 || this.#isOut(place)) continue
      const draw = this.#drawOf(place)
      if (!this.#measure(place, draw)) this.#measureBeyond(draw)
      orders.scores[NEWEST] = -this.#reals[AWAY]!
      this.#kept = keepScored(this.#pools, this.#pool, place, LIGHT, this.#kept, this.#room)
    }
    return this.#kept
  }

  #ask(place: number): void {
    if (place < 0) return
    const reals = this.#reals
    const draw = this.#drawOf(place)
    if (!this.#measure(place, draw)) {
      // It is farther than this, which mostly is too far.
      if (reals[AWAY]! > reals[REACH]! * this.#weightOf(place)) return
      this.#measureBeyond(draw)
    }
    this.#take(place, draw)
  }

  /** How far it is by the points that it heeds; false, and half the ring, where it heeds none. */
  #measure(place: number, draw: number): boolean {
    const spot = this.#rings.spots[this.#base + this.#pools.places[place]!]!
    let nearest = HALF
    let heeds = false
    for (let number = 0; number < POINTS; number++) {
      if (((draw >>> (number << 3)) & HEED_MASK) !== 0) continue
      nearest = Math.min(nearest, Math.abs((spot - this.#points[number]!) | 0))
      heeds = true
    }
    this.#reals[AWAY] = nearest
    return heeds
  }

  /** Beyond half the ring it goes on as it began, on average. */
  #measureBeyond(draw: number): void {
    const chance = ((mixed(draw ^ TAIL_MASK) >>> 0) + 0.5) / WHOLE
    this.#reals[AWAY] = HALF * (1 - HEEDED * Math.log(chance))
  }

  /** Keeps a candidate as far as was measured if it is among the best. */
  #take(place: number, draw: number): void {
    if (place < 0) return
    const { orders, places, words } = this.#pools
    const reals = this.#reals
    const weight = this.#weightOf(place)
    if (weight === 0 || reals[AWAY]! > reals[REACH]! * weight || this.#isOut(place)) return
    orders.scores[NEWEST] = -reals[AWAY]! / weight
    const rank = isPassedOn(draw, words[this.#base + places[place]!]!) ? FULL : ROOM
    this.#kept = keepScored(this.#pools, this.#pool, place, rank, this.#kept, this.#room)
    const last = this.#room - 1
    if (this.#kept === this.#room && orders.ranks[last] === ROOM)
      reals[REACH] = -orders.scores[last]!
  }

  #weightOf(place: number): number {
    const { loads, shares } = this.#pools
    return this.#even ? shares[place]! : loads[place]! * shares[place]!
  }

  #drawOf(place: number): number {
    const { places, layout } = this.#pools
    return mixed(this.#key ^ layout.seeds[this.#base + places[place]!]!)
  }

  /** Whether its address was given before. */
  #isOut(place: number): boolean {
    const { places } = this.#pools
    return (
      this.#given > 0 && isGiven(this.#pools, this.#pool, this.#out, this.#given, places[place]!)
    )
  }
}
