import type { KeyObject } from 'node:crypto'
import type { CustodianPath, CustodianRequest, CustodianResponse } from '@ngome/contracts'
import type { Endpoint } from '../wire/endpoint.ts'

export type SignedRefusal = { readonly statement: string; readonly signature: string }

/** The custodian as the operator's certificate reaches it. */
export type CustodianView = {
  readonly endpoint: Endpoint
  /** With it the custodian signs statements and refusals; known since enrolment. */
  readonly statementKey: KeyObject
  readonly call: <P extends CustodianPath>(path: P, request: CustodianRequest<P>) => Promise<CustodianResponse<P>>
  /** Calls and expects a refusal. @returns it, or `undefined` where the call was allowed or the refusal is not signed */
  readonly refusalOf: <P extends CustodianPath>(
    path: P,
    request: CustodianRequest<P>,
    challenge: string,
  ) => Promise<SignedRefusal | undefined>
}
