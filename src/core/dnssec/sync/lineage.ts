/**
 * Which of two documents goes before the other, and which one takes the other in.
 *
 * A document is known to another one when it is a past state of it, or was taken in. Two that do
 * not know each other are a fork: nodes that started apart, or were parted while each side had a
 * leader. Then one wins, by a rule that every node computes alike, and its leader takes the other
 * in; nobody goes over to a document that does not know the one it has.
 */
import { limits } from '../../base/limits.ts'
import type { Mark, RollState, Term } from '../roll/types.ts'

const lastOf = (terms: readonly Term[]): Term =>
  terms.at(-1) ?? { term: 0, leader: '', fromRevision: 0 }

export function markOf(state: RollState): Mark {
  const { term, leader } = lastOf(state.terms)
  return { lineage: state.lineage, term, leader, revision: state.revision }
}

/** The document with which a node begins to lead. */
export function withLeader(state: RollState, leader: string): RollState {
  const term = lastOf(state.terms).term + 1
  const terms = [...state.terms, { term, leader, fromRevision: state.revision }]
  return {
    ...state,
    terms: terms.slice(-limits.rollTerms.default),
    revision: state.revision + 1,
  }
}

/** Whether the mark is of a past state of the document, or of its present one. */
export function descends(state: RollState, mark: Mark): boolean {
  if (mark.lineage !== state.lineage) return false
  const own = lastOf(state.terms)
  if (mark.term > own.term) return false
  const then = state.terms.find(({ term }) => term === mark.term)
  if (then !== undefined && then.leader !== mark.leader) return false
  const next = state.terms.find(({ term }) => term > mark.term)
  return mark.revision <= (next?.fromRevision ?? state.revision)
}

const reaches = (taken: Mark, mark: Mark): boolean =>
  taken.lineage === mark.lineage &&
  (taken.term > mark.term ||
    (taken.term === mark.term && taken.leader === mark.leader && taken.revision >= mark.revision))

/** Whether all that the mark stands for is in the document. */
export const knows = (state: RollState, mark: Mark): boolean =>
  descends(state, mark) || state.absorbed.some((taken) => reaches(taken, mark))

/** Whether the parent has a DS of a key that the document publishes. */
const isTrusted = ({ ds, keys }: RollState): boolean =>
  ds?.sets.some((set) => set.some((id) => keys.some((key) => key.id === id && key.isPublished))) ??
  false

/**
 * Whether the first of two forks wins. Of one lineage, the later term. Else one whose DS the parent
 * has, since its answers validate; else one that was not made in doubt; else the older one, as the
 * first node to start is the one whose keys all others take.
 */
export function wins(a: RollState, b: RollState): boolean {
  const [termA, termB] = [lastOf(a.terms), lastOf(b.terms)]
  if (a.lineage === b.lineage) {
    if (termA.term !== termB.term) return termA.term > termB.term
    return termA.leader < termB.leader
  }
  if (isTrusted(a) !== isTrusted(b)) return isTrusted(a)
  if (a.isProvisional !== b.isProvisional) return b.isProvisional
  if (a.createdSeconds !== b.createdSeconds) return a.createdSeconds < b.createdSeconds
  return a.lineage < b.lineage
}
