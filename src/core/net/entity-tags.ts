/** Entity tags of HTTP: whether a client already has what it asks for. */

/** Weak comparison (RFC 9110 section 8.8.3.2). */
const opaque = (tag: string): string => tag.trim().replace(/^W\//, '')

/** RFC 9110 section 13.1.2: whether If-None-Match names the tag, or is `*`. */
export function namesTag(field: string | undefined, tag: string): boolean {
  if (field === undefined) return false
  if (field.trim() === '*') return true
  return field.split(',').some((one) => opaque(one) === opaque(tag))
}
