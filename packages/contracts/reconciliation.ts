/** What a network and we can say differently; `packages/store` has the same lists in SQL, which a test compares. */
export const differenceKinds = [
  'amount_differs', 'day_differs', 'state_differs', 'missing_at_us', 'duplicate_at_network', 'missing_at_network',
] as const
export type DifferenceKind = (typeof differenceKinds)[number]

/** What was done about it; `found`, `agreed` and `superseded` by matching alone. */
export const differenceSteps = ['found', 'asked', 'explained', 'suspended', 'resolved', 'agreed', 'superseded'] as const
export type DifferenceStep = (typeof differenceSteps)[number]
