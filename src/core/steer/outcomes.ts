/** What a decision comes to when it is no number of addresses. */

/** No record of this family: the name exists (RFC 2308 section 2.2). */
export const NODATA = 0
/** Nobody may be served and `when_all_down` names nobody else: SERVFAIL. */
export const ALL_DOWN = -1
