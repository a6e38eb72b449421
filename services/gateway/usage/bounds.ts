/** Keys and minutes between two writings, about 2 KiB each: as many keys as rows of keys are kept in memory. */
export const keysMax = 10_000
/** Different addresses, agents and sizes of payments of one key in one minute; the rest is `other`. */
export const addressesMax = 32
export const agentsMax = 8
export const amountsMax = 64
/** What counts for values beyond the bounds, and for none at all. */
export const otherValue = 'other'
/** Lines between two writings, about 300 bytes each. */
export const linesMax = 10_000
/** Lines of one key and minute between two writings, so that no key takes the others' place. */
export const linesPerKeyMax = 1_000
/** How often what was heard is written: what a gateway that is killed loses, and how soon a merchant sees it. */
export const writeEveryMs = 2_000
/** What is kept of an agent. */
export const agentLengthMax = 64
