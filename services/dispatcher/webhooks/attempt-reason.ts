import type { WebhookAttemptReason } from '@ngome/contracts'
import type { Transmission } from '../egress/transmit.ts'

/** What Node's TLS says of a certificate that is not valid for its name (OpenSSL's X509_V_ERR_*, and Node's own). */
const certificateErrors: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REJECTED', 'CERT_REVOKED', 'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'INVALID_PURPOSE', 'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * What a merchant is told of an attempt that got no answer. Names that resolve to nothing or to an address that we do not go to,
 * closed and silent ports are one and the same to it, so that nobody looks around with our eyes.
 */
export function attemptReason({ kind, reason }: Exclude<Transmission, { kind: 'answered' }>): WebhookAttemptReason {
  if (certificateErrors.has(reason)) return 'certificate_refused'
  if (kind === 'unreached') return 'not_reached'
  return reason === noAnswerInTime ? 'timed_out' : 'connection_lost'
}

const noAnswerInTime = 'no whole answer in time'
