/** Whether two things are equal by what they hold. */
type Fields = Readonly<Record<string, unknown>>

/** Whether two values made of plain objects, lists and octets say the same. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  const [left, right] = [one as Fields, other as Fields]
  for (const name in left) if (!isSame(left[name], right[name])) return false
  for (const name in right) if (!(name in left)) return false
  return true
}

interface Numbers {
  readonly length: number
  readonly [at: number]: number
}

/** Whether two stretches of numbers hold the same, as long ones do in a moment. */
export function areSame(one: Numbers, other: Numbers): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
