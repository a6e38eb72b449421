/** Why there is no new OCSP answer to staple, from the way there to what came back. */
export const stapleFailures = [
  /** The certificate that a row asks for is not one that clients of this platform trust, or not of its names. */
  'chain_untrusted',
  'egress_refused', 'not_reached', 'http_status', 'content_type',
  /** The responder's own no: malformedRequest, internalError, tryLater, sigRequired, unauthorized (RFC 6960 §4.2.1). */
  'declined',
  'malformed', 'critical_extension', 'certificate_other', 'algorithm', 'responder_unproven', 'signature', 'not_yet', 'endless', 'over',
  /** From before the answer that is kept: somebody plays an old one. */
  'older',
  /** The responder does not know the certificate. */
  'unknown',
] as const
export type StapleFailure = (typeof stapleFailures)[number]

/** What an OCSP answer that is proven says of a certificate. */
export const stapleStatuses = ['good', 'revoked'] as const
export type StapleStatus = (typeof stapleStatuses)[number]
