import type { X509Certificate } from 'node:crypto'
import { ocspGetUrl, ocspRequest, ocspResponder } from '@ngome/runtime'
import { refused } from './destination.ts'
import type { Outgoing } from './transmit.ts'

/** Whose status is asked for. Where it goes and what is sent follows from the certificates, and from nothing else. */
export type OcspQuestion = {
  readonly leaf: X509Certificate
  readonly issuer: X509Certificate
  /** Not GET, for responders that do not speak it. */
  readonly isPosted: boolean
  readonly timeoutMs: number
}

const mediaType = 'application/ocsp-request'

/** @throws Fault `egress/refused` */
export function ocspQuestion({ leaf, issuer, isPosted, timeoutMs }: OcspQuestion): { readonly url: string; readonly outgoing: Outgoing } {
  if (!leaf.checkIssued(issuer) || !leaf.verify(issuer.publicKey)) throw refused('a question about a certificate of another issuer')
  const responder = ocspResponder(leaf)
  if (responder === undefined) throw refused('a question about a certificate that names no responder')
  const request = ocspRequest(leaf, issuer)
  const url = isPosted ? undefined : ocspGetUrl(responder, request)
  if (url !== undefined) return { url, outgoing: { method: 'GET', headers: {}, body: new Uint8Array(), timeoutMs } }
  return { url: responder, outgoing: { method: 'POST', headers: { 'content-type': mediaType }, body: request, timeoutMs } }
}
