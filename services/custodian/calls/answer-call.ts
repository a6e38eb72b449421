import { custodianOperations, type CustodianPath, type CustodianResponse } from '@ngome/contracts'
import { Fault, type JsonValue, type ProcessRole } from '@ngome/kernel'
import { stateAnswerKey } from '../answer-keys/state-answer-key.ts'
import { endSigner } from '../authority/end-signer.ts'
import { enrol } from '../authority/enrol.ts'
import { identifyCaller } from '../authority/identify-caller.ts'
import { issuePublicCertificate } from '../authority/issue-public-certificate.ts'
import { listCertificates } from '../authority/list-certificates.ts'
import { renew } from '../authority/renew.ts'
import { revokeCertificate } from '../authority/revoke-certificate.ts'
import { rotateAuthority } from '../authority/rotate-authority.ts'
import type { Custodian } from '../custodian.ts'
import { cancelDestruction } from '../key-life/cancel-destruction.ts'
import { destroyMerchantKeys } from '../key-life/destroy-merchant-keys.ts'
import { listDestructions } from '../key-life/list-destructions.ts'
import { listKeys } from '../key-life/list-keys.ts'
import { listReplacedKeys } from '../key-life/list-replaced-keys.ts'
import { listRotations } from '../key-life/list-rotations.ts'
import { rotateMerchantKeys } from '../key-life/rotate-merchant-keys.ts'
import { rotateRootKey } from '../key-life/rotate-root-key.ts'
import { signForwardDestination } from '../forwards/sign-forward-destination.ts'
import { listAlarms } from '../log/list-alarms.ts'
import { listOpenings } from '../log/list-openings.ts'
import { advanceFingerprints } from '../merchants/advance-fingerprints.ts'
import { listIndexRotations, noteIndexProgress, rotateIndexKey } from '../merchants/index-rotations.ts'
import { indexValues } from '../merchants/index-values.ts'
import { listTenants } from '../merchants/list-tenants.ts'
import { publishMerchantKeys } from '../merchants/publish-merchant-keys.ts'
import { registerMerchant } from '../merchants/register-merchant.ts'
import { openRecords } from '../openings/open-records.ts'
import { revealPayment } from '../openings/reveal-payment.ts'
import { endApiKey } from '../secrets/end-api-key.ts'
import { signPins } from '../pins/sign-pins.ts'
import { handOutSecrets } from '../secrets/hand-out-secrets.ts'
import { listSecretVersions } from '../secrets/list-secret-versions.ts'
import { makeApiKeyVerifier } from '../secrets/make-api-key-verifier.ts'
import { rehashApiKey } from '../secrets/rehash-api-key.ts'
import { rotateSecret } from '../secrets/rotate-secret.ts'
import { makeOwnApiKey } from '../secrets/make-own-api-key.ts'
import { findMerchantKeyState } from '../signing-keys/find-merchant-key-state.ts'
import { revokeMerchantKey } from '../signing-keys/revoke-merchant-key.ts'
import { stateMerchantKey } from '../signing-keys/state-merchant-key.ts'
import { admitStaff } from '../staff/admit-staff.ts'
import { listApprovals } from '../staff/list-approvals.ts'
import { listStaffMembers } from '../staff/list-staff.ts'
import { retireStaff } from '../staff/retire-staff.ts'
import { anonymous, type Caller, type ProvenCaller } from './caller.ts'
import type { ParsedRequest } from './parsed-request.ts'
import { operationCallers } from './permissions.ts'
import { refuseCall } from './refuse-call.ts'
import { Refusal } from './refusal.ts'

/** A call before anything is believed of it but what TLS has proven. */
export type Call = {
  /** What the client's certificate says, or `null` where there is none. */
  readonly peer: { readonly serial: string; readonly role: ProcessRole } | null
  readonly path: string
  readonly challenge?: string | undefined
}

type Verb<P extends CustodianPath> = (
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<P>,
) => Promise<CustodianResponse<P>>

const verbs: { readonly [P in Exclude<CustodianPath, '/v1/enrol'>]: Verb<P> } = {
  '/v1/renew': renew,
  '/v1/public-certificate': issuePublicCertificate,
  '/v1/certificates': (custodian, _caller, request) => listCertificates(custodian, request),
  '/v1/revoke-certificate': revokeCertificate,
  '/v1/end-signer': endSigner,
  '/v1/merchants': registerMerchant,
  '/v1/merchant-keys': publishMerchantKeys,
  '/v1/replaced-keys': (custodian, _caller, request) => listReplacedKeys(custodian, request),
  '/v1/tenants': (custodian, _caller, request) => listTenants(custodian, request),
  '/v1/secrets': handOutSecrets,
  '/v1/api-key-verifier': makeApiKeyVerifier,
  '/v1/secret-versions': listSecretVersions,
  '/v1/rehash-api-key': rehashApiKey,
  '/v1/end-api-key': endApiKey,
  '/v1/open': openRecords,
  '/v1/index': indexValues,
  '/v1/advance-fingerprints': advanceFingerprints,
  '/v1/index-rotations': (custodian) => listIndexRotations(custodian),
  '/v1/index-progress': (custodian, _caller, request) => noteIndexProgress(custodian, request),
  '/v1/admit-staff': admitStaff,
  '/v1/retire-staff': retireStaff,
  '/v1/staff': (custodian) => listStaffMembers(custodian),
  '/v1/approvals': (custodian, _caller, request) => listApprovals(custodian, request),
  '/v1/reveal': revealPayment,
  '/v1/rotate-root-key': rotateRootKey,
  '/v1/rotate-merchant-keys': rotateMerchantKeys,
  '/v1/rotate-authority': rotateAuthority,
  '/v1/rotate-secret': rotateSecret,
  '/v1/rotate-index-key': rotateIndexKey,
  '/v1/rotations': listRotations,
  '/v1/destroy-merchant-keys': destroyMerchantKeys,
  '/v1/cancel-destruction': cancelDestruction,
  '/v1/destructions': listDestructions,
  '/v1/key-inventory': (custodian, _caller, request) => listKeys(custodian, request),
  '/v1/forward-destination': signForwardDestination,
  '/v1/merchant-signing-key': stateMerchantKey,
  '/v1/revoke-merchant-signing-key': revokeMerchantKey,
  '/v1/merchant-signing-key-state': (custodian, _caller, request) => findMerchantKeyState(custodian, request),
  '/v1/own-api-key': makeOwnApiKey,
  '/v1/pin-set': signPins,
  '/v1/answer-key': stateAnswerKey,
  '/v1/alarms': (custodian, _caller, request) => listAlarms(custodian, request),
  '/v1/openings': (custodian, _caller, request) => listOpenings(custodian, request),
}

/**
 * Decides who calls and whether he may at all. The server asks this before it reads a body.
 * @throws Fault `custodian/refused` or `custodian/enrolment_refused`, recorded
 */
export async function admitCall(custodian: Custodian, call: Call): Promise<Caller> {
  return recordingRefusals(custodian, call, callerOf(call), async () => admit(custodian, call))
}

/**
 * Answers a call: who calls, whether he may, what he asks, and then the operation.
 * @throws Fault `custodian/refused` or `custodian/enrolment_refused`, recorded
 */
export async function answerCall(custodian: Custodian, call: Call, body: JsonValue | undefined): Promise<unknown> {
  return recordingRefusals(custodian, call, callerOf(call), async () => {
    const caller = await admit(custodian, call)
    const path = call.path as CustodianPath
    if (caller.role === 'anonymous') return enrol(custodian, parseRequest('/v1/enrol', body))
    const verb = verbs[path as keyof typeof verbs] as Verb<CustodianPath>
    return verb(custodian, caller, parseRequest(path, body))
  })
}

async function admit(custodian: Custodian, { peer, path }: Call): Promise<Caller> {
  const identified = peer === null
    ? { ok: true, caller: anonymous } as const
    : await identifyCaller(custodian, peer, custodian.clock.nowMs())
  if (!identified.ok) throw new Refusal(identified.reason, peer?.serial ?? '')
  const { caller } = identified
  const callers = Object.hasOwn(operationCallers, path) ? operationCallers[path as CustodianPath] : undefined
  if (callers === undefined) throw new Refusal('operation_unknown', path)
  if (!callers.includes(caller.role)) throw new Refusal('caller_not_permitted', caller.role)
  return caller
}

function parseRequest<P extends CustodianPath>(path: P, body: JsonValue | undefined): ParsedRequest<P> {
  const parsed = custodianOperations[path].request.safeParse(body)
  // The schema of this path gives this path's request, which the index type cannot say.
  if (parsed.success) return parsed.data as ParsedRequest<P>
  const fields = parsed.error.issues.map((issue) => `/${issue.path.join('/')}`).join(' ')
  throw new Refusal('request_invalid', fields, { isEnrolment: path === '/v1/enrol' })
}

async function recordingRefusals<T>(
  custodian: Custodian, call: Call, caller: Caller, act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (failure) {
    const refusal = refusalOf(failure)
    if (refusal === undefined) throw failure
    throw await refuseCall(custodian, { caller, operation: call.path, challenge: call.challenge }, refusal)
  }
}

/** A key that does not unwrap is a no as well: what it should have opened stays sealed, and the log must say so. */
function refusalOf(failure: unknown): Refusal | undefined {
  if (failure instanceof Refusal) return failure
  const isKey = failure instanceof Fault && failure.code === 'custodian/key_unusable'
  return isKey ? new Refusal('key_unusable', failure.message, { cause: failure }) : undefined
}

/** Who the log names: what the certificate says, also where it turns out to be nobody's any more. */
function callerOf({ peer }: Call): Caller {
  return peer ?? anonymous
}
