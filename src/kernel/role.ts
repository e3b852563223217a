/**
 * One actor on several threads: replicas share a role and differ in name.
 *
 * The catalogue speaks of roles. `dns` is the name of the first child of the role `dns`; `dns#2` is
 * the second. Each child has channels, a configuration, a history of restarts and a log name of its
 * own.
 */
const MARK = '#'

/** The role a child plays: its name up to the number. */
export const roleOf = (name: string): string => {
  const at = name.indexOf(MARK)
  return at < 0 ? name : name.slice(0, at)
}

/** The name of the child at `index`, from 0. */
export const replicaName = (role: string, index: number): string =>
  index === 0 ? role : `${role}${MARK}${index + 1}`
