import { Fault, type FaultCode } from '@ngome/kernel'

/** What Fastify and Node say of a request that cannot be read, in our words; anything else that they say is a bug. */
const codes: Readonly<Record<string, FaultCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request/too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request/media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request/malformed',
  FST_ERR_BAD_URL: 'request/not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'request/not_found',
  ECONNRESET: 'request/malformed',
}

/** @returns the fault to answer with, or `undefined` where something was thrown that nobody expected */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? codes[error.code] : undefined
  return code === undefined ? undefined : new Fault(code, 'refused by the HTTP framework', { cause: error })
}
