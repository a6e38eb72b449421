import type { CustodianPath, CustodianSecretName } from '@ngome/contracts'
import type { Caller } from './caller.ts'

type Role = Caller['role']

/** Who may ask for what. Whoever is not named in a row is refused, and the refusal is recorded. */
export const operationCallers: Readonly<Record<CustodianPath, readonly Role[]>> = {
  '/v1/enrol': ['anonymous'],
  '/v1/renew': ['gateway', 'dispatcher', 'operator', 'auditor'],
  '/v1/public-certificate': ['gateway'],
  '/v1/certificates': ['operator', 'auditor'],
  '/v1/revoke-certificate': ['operator'],
  // Over its own certificate, for its own signer.
  '/v1/end-signer': ['gateway'],
  '/v1/merchants': ['operator'],
  '/v1/merchant-keys': ['gateway'],
  '/v1/replaced-keys': ['gateway'],
  '/v1/tenants': ['gateway'],
  '/v1/secrets': ['gateway', 'dispatcher'],
  '/v1/secret-versions': ['gateway', 'dispatcher'],
  '/v1/api-key-verifier': ['operator'],
  // Of a key that was shown to it, and that the custodian made.
  '/v1/rehash-api-key': ['gateway'],
  '/v1/end-api-key': ['operator'],
  '/v1/open': ['dispatcher'],
  // Indexes are computed after acceptance, by the dispatcher: a stolen gateway cannot look payers up.
  '/v1/index': ['dispatcher'],
  '/v1/advance-fingerprints': ['dispatcher'],
  '/v1/index-rotations': ['dispatcher'],
  '/v1/index-progress': ['dispatcher'],
  // What these do, people approve; the caller only carries it.
  '/v1/admit-staff': ['operator'],
  '/v1/retire-staff': ['operator'],
  '/v1/staff': ['operator', 'auditor'],
  '/v1/approvals': ['operator', 'auditor'],
  '/v1/reveal': ['operator'],
  '/v1/rotate-root-key': ['operator'],
  '/v1/rotate-merchant-keys': ['operator'],
  '/v1/rotate-authority': ['operator'],
  '/v1/rotate-secret': ['operator'],
  '/v1/rotate-index-key': ['operator'],
  '/v1/rotations': ['operator', 'auditor'],
  '/v1/destroy-merchant-keys': ['operator'],
  '/v1/cancel-destruction': ['operator'],
  '/v1/destructions': ['operator', 'auditor'],
  '/v1/key-inventory': ['operator', 'auditor'],
  '/v1/forward-destination': ['operator'],
  '/v1/merchant-signing-key': ['operator'],
  '/v1/revoke-merchant-signing-key': ['operator'],
  // Before it tells somebody something encrypted to that key.
  '/v1/merchant-signing-key-state': ['dispatcher'],
  // It carries what a merchant signed, and makes no key without that.
  '/v1/own-api-key': ['gateway'],
  '/v1/pin-set': ['operator'],
  // Of its own process, for two hours.
  '/v1/answer-key': ['gateway'],
  // It writes them as events where people look; this process opens no connection.
  '/v1/alarms': ['dispatcher'],
  '/v1/openings': ['operator', 'auditor'],
}

/** Who may hold which named secret, in memory only. */
export const secretCallers: Readonly<Record<CustodianSecretName, readonly Role[]>> = {
  'api-pepper': ['gateway'],
  'index-outer': ['gateway', 'dispatcher'],
  'idempotency': ['gateway'],
  'callback': ['gateway', 'dispatcher'],
}
