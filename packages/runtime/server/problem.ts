import type { Problem } from '@ngome/contracts'
import { Fault, type FaultCode, type RequestId } from '@ngome/kernel'
import { CustodianRefusal, type SignedRefusal } from '../custodian/refusal.ts'

/** RFC 9457 §3. */
export const problemMediaType = 'application/problem+json'

export type ProblemDocument = Problem & { readonly refusal?: SignedRefusal }

/** The problem document of a fault: the table's words, the names of refused fields, nothing of the internal message. */
export function problemOf(fault: Fault, requestId: RequestId): ProblemDocument {
  const { code, status, public: title } = fault.row
  const refusal = fault instanceof CustodianRefusal ? fault.refusal : undefined
  return {
    type: `urn:ngome:fault:${code}`,
    title,
    status,
    code,
    request_id: requestId,
    ...(fault.fields.length === 0 ? {} : { errors: fault.fields.map(({ pointer, detail, code: own }) => ({ pointer, detail, ...own === undefined ? {} : { code: own } })) }),
    ...(refusal === undefined ? {} : { refusal }),
  }
}

/** What Fastify refuses by itself, by its code; every other refusal of its own is a malformed request. */
const frameworkFaults: Readonly<Record<string, FaultCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request/too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request/media_type',
  FST_ERR_NOT_FOUND: 'request/not_found',
}

/** Whatever was thrown, as a fault: one of ours as it is, the framework's by its code, anything else as a bug. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown; readonly statusCode?: unknown
  }
  const known = typeof code === 'string' ? frameworkFaults[code] : undefined
  if (known !== undefined) return new Fault(known, `the framework refused (${String(code)})`, { cause: error })
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Fault('request/malformed', `the framework refused (${String(code)})`, { cause: error })
  }
  return new Fault('gateway/internal', 'a bug', { cause: error })
}
