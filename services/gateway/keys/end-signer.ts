import type { CustodianClient, Logger } from '@ngome/runtime'

/** A way out does not wait for a custodian that is away: its successor serves already, or the machine goes down. */
const timeoutMs = 400

/**
 * Tells the custodian that this process signs no data key any more, so that its signing key, should somebody find it
 * later, dates nothing past this moment. Where the custodian is away the signer ends with its certificate.
 */
export async function endSigner(custodian: CustodianClient, logger: Logger): Promise<void> {
  try {
    await custodian.call('/v1/end-signer', {}, { timeoutMs })
  } catch (error) {
    logger.warn({ err: error }, 'the custodian could not be told that this signer has ended')
  }
}
