/**
 * What property tests draw: the same in every run of `npm test`, so that a run says something of
 * the code and nothing of luck; new every time at full size, and whatever `OPENGSLB_SEED` names.
 */
import fc from 'fast-check'

const { OPENGSLB_FULL: full, OPENGSLB_SEED: named } = process.env
const seed = named === undefined ? 0x5eed : Number(named)
if (!Number.isInteger(seed)) throw new Error(`OPENGSLB_SEED: "${named}" is no whole number`)

fc.configureGlobal(full === '1' && named === undefined ? {} : { seed })
