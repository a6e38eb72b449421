import type { EventType } from './events.ts'

type CustodianEventType = Exclude<Extract<EventType, `custodian.${string}`>,
  'custodian.budget_spent' | 'custodian.log_rewound' | 'custodian.refused'>

/**
 * What of the custodian's log somebody should hear about: its operation, where it was allowed, and the event that tells
 * of it, whose severity stands with the event. `null` is for what happens all day, or has an event of its own where it
 * was asked for. A test holds that every operation that the custodian writes is here.
 */
export const custodianActs = {
  '/v1/enrol': 'custodian.enrolled',
  '/v1/renew': null,
  '/v1/public-certificate': null,
  '/v1/revoke-certificate': 'custodian.certificate_revoked',
  '/v1/end-signer': null,
  '/v1/merchants': null,
  '/v1/secrets': null,
  '/v1/api-key-verifier': null,
  '/v1/open': null,
  '/v1/index': null,
  '/v1/advance-fingerprints': null,
  'rotate-index-key': 'custodian.keys_rotated',
  'approval': 'custodian.call_approved',
  '/v1/admit-staff': 'custodian.staff_admitted',
  '/v1/retire-staff': 'custodian.staff_retired',
  '/v1/reveal': 'custodian.record_revealed',
  'rotate-root': 'custodian.keys_rotated',
  'rotate-secret': 'custodian.keys_rotated',
  'end-secret': 'custodian.keys_rotated',
  'rotate-authority': 'custodian.keys_rotated',
  '/v1/rehash-api-key': null,
  '/v1/end-api-key': null,
  '/v1/rotate-merchant-keys': 'custodian.keys_rotated',
  'keys-compromised': 'custodian.keys_compromised',
  'make-merchant-key': null,
  '/v1/destroy-merchant-keys': 'custodian.destruction_ordered',
  '/v1/cancel-destruction': 'custodian.destruction_cancelled',
  'destroy-merchant-keys': 'custodian.keys_destroyed',
  'certify-destruction': 'custodian.destruction_certified',
  '/v1/forward-destination': 'custodian.destination_signed',
  '/v1/merchant-signing-key': 'custodian.merchant_key_stated',
  // Whose request it was and with which key is told by `api_key.issued` and `api_key.rolled`, and by `merchant_key.revoked`.
  '/v1/own-api-key': null,
  '/v1/revoke-merchant-signing-key': null,
  '/v1/pin-set': 'custodian.pins_signed',
  // Each gateway asks twice an hour.
  '/v1/answer-key': null,
  'first-run': null,
  'own-certificate': null,
} as const satisfies Readonly<Record<string, CustodianEventType | null>>

/** @returns the event that tells of a row, or `null` where nobody needs to hear of it */
export function custodianEventOf(
  { operation, outcome }: { readonly operation: string; readonly outcome: 'allowed' | 'refused' },
): CustodianEventType | 'custodian.refused' | null {
  if (outcome === 'refused') return 'custodian.refused'
  return Object.hasOwn(custodianActs, operation) ? custodianActs[operation as keyof typeof custodianActs] : null
}
