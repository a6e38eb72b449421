import type { CustodianPath } from '@ngome/contracts'
import type { Config } from '../config/schema.ts'
import { CallFailure, postJson, type JsonAnswer, type PostJson } from './post-json.ts'

/** Where a custodian listens. */
export type Place = { readonly host: string; readonly port: number }

/**
 * Whether an operation may be done twice for one call. One that counts, spends or issues may not: where nobody knows
 * whether the first custodian did it, the caller is told so and asks again as a new call.
 */
const isRepeatable: Readonly<Record<CustodianPath, boolean>> = {
  '/v1/enrol': false,
  '/v1/renew': false,
  '/v1/public-certificate': false,
  '/v1/revoke-certificate': true,
  '/v1/end-signer': true,
  '/v1/merchants': true,
  '/v1/merchant-keys': true,
  '/v1/replaced-keys': true,
  '/v1/tenants': true,
  '/v1/secrets': true,
  '/v1/secret-versions': true,
  // The id is taken by the first one.
  '/v1/api-key-verifier': false,
  '/v1/rehash-api-key': true,
  '/v1/end-api-key': true,
  '/v1/open': false,
  '/v1/index': false,
  '/v1/advance-fingerprints': false,
  '/v1/index-rotations': true,
  '/v1/index-progress': true,
  // An approval is used up by the first one.
  '/v1/admit-staff': false,
  '/v1/retire-staff': false,
  '/v1/staff': true,
  '/v1/reveal': false,
  '/v1/rotate-root-key': false,
  '/v1/rotate-merchant-keys': false,
  '/v1/rotate-authority': false,
  '/v1/rotate-secret': false,
  '/v1/rotate-index-key': false,
  '/v1/rotations': true,
  '/v1/destroy-merchant-keys': false,
  '/v1/cancel-destruction': false,
  '/v1/destructions': true,
  '/v1/key-inventory': true,
  '/v1/forward-destination': true,
  '/v1/merchant-signing-key': true,
  '/v1/revoke-merchant-signing-key': true,
  '/v1/merchant-signing-key-state': true,
  // The nonce is spent by the first one.
  '/v1/own-api-key': false,
  '/v1/pin-set': true,
  '/v1/answer-key': true,
  '/v1/alarms': true,
  '/v1/approvals': true,
  '/v1/certificates': true,
  '/v1/openings': true,
}

/** A custodian whose TLS does not stand within this is away, where there is another to ask. */
const connectMsMax = 1_000

type Custodians = { readonly custodian: Pick<Config['custodian'], 'host' | 'port' | 'twin'> }
type EnrolmentCustodians = { readonly custodian: Pick<Config['custodian'], 'host' | 'enrolmentPort' | 'twin'> }

export function placesOf({ custodian: { host, port, twin } }: Custodians): readonly Place[] {
  return [{ host, port }, ...twin === undefined ? [] : [{ host: twin.host, port: twin.port }]]
}

export function enrolmentPlacesOf({ custodian: { host, enrolmentPort, twin } }: EnrolmentCustodians): readonly Place[] {
  return [{ host, port: enrolmentPort }, ...twin === undefined ? [] : [{ host: twin.host, port: twin.enrolmentPort }]]
}

/**
 * Posts to the first of these custodians that answers. The next is asked where the call never left, and otherwise, by a
 * broken connection, silence or an answer of 5xx, only what may be done twice. All of it takes `timeoutMs`, and a second
 * more for each custodian that did not let us connect.
 * @returns the answer, and who gave it
 * @throws Fault `custodian/unavailable`
 */
export async function postToCustodian(
  call: Omit<PostJson, 'host' | 'port' | 'path' | 'isRepeatable'> & {
    readonly path: CustodianPath
    readonly places: readonly Place[]
  },
): Promise<{ readonly answer: JsonAnswer; readonly place: Place }> {
  const { path, places } = call
  const canRepeat = isRepeatable[path]
  for (const [at, place] of places.entries()) {
    const isLast = at === places.length - 1
    try {
      const answer = await postJson({
        ...call, ...place,
        isRepeatable: canRepeat,
        timeoutMs: canRepeat ? Math.ceil(call.timeoutMs / places.length) : call.timeoutMs,
        ...places.length > 1 ? { connectMsMax } : {},
      })
      if (isLast || !canRepeat || answer.status < 500) return { answer, place }
    } catch (error) {
      const mayAskNext = error instanceof CallFailure && (error.isUnsent || canRepeat)
      if (isLast || !mayAskNext) throw error
    }
  }
  throw new TypeError('no custodian to ask')
}
