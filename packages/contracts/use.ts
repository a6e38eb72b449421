/** What can be unusual about a key's use; the last is about those who have it not. */
export const anomalyKinds = [
  'new_country', 'new_network', 'unusual_hour', 'volume', 'amount', 'error_burst', 'enumeration', 'long_sleep',
] as const
export type AnomalyKind = (typeof anomalyKinds)[number]
export const alertKinds = [...anomalyKinds, 'failed_authentications'] as const
export type AlertKind = (typeof alertKinds)[number]

/** What may be done to a key whose use is unusual, the weakest first. */
export const restrictions = ['demand_signed', 'throttle', 'suspend'] as const
export type Restriction = (typeof restrictions)[number]
/** What the operator wants done: `notify` is to tell, and nothing else. */
export const anomalyResponses = ['notify', ...restrictions] as const
export type AnomalyResponse = (typeof anomalyResponses)[number]
