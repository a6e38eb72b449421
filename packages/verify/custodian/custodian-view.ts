import type { KeyObject } from 'node:crypto'
import type { CustodianPath, CustodianRequest } from '@ngome/contracts'
import type { Endpoint, SignedRefusal } from '@ngome/runtime'

/** What came of a call that should be refused. */
export type Attempt = { readonly outcome: 'allowed' | 'refused'; readonly refusal?: SignedRefusal | null | undefined }

/** The custodian as the operator's certificate reaches it. */
export type CustodianView = {
  readonly endpoint: Endpoint
  /** Where a process without a certificate gets its first one, by a one-time token. */
  readonly enrolment: Endpoint
  /** With it the custodian signs statements and refusals; known since enrolment. */
  readonly statementKey: () => Promise<KeyObject>
  readonly attempt: <P extends CustodianPath>(path: P, request: CustodianRequest<P>, challenge: string) => Promise<Attempt>
}
