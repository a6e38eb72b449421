import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WebhookAttemptReason } from '@ngome/contracts'
import { attemptReason } from './attempt-reason.ts'

const cases: readonly (readonly [kind: 'unreached' | 'lost', reason: string, told: WebhookAttemptReason])[] = [
  // A name without an address, a closed port, a silent one and no route: one word for all, so that nobody looks around with our eyes.
  ['unreached', 'the name has no address', 'not_reached'], ['unreached', 'ECONNREFUSED', 'not_reached'], ['unreached', 'no connection in time', 'not_reached'],
  ['unreached', 'EHOSTUNREACH', 'not_reached'], ['unreached', 'no address in time', 'not_reached'], ['unreached', 'no whole answer in time', 'not_reached'],
  ['unreached', 'ERR_SSL_WRONG_VERSION_NUMBER', 'not_reached'],
  ['unreached', 'CERT_HAS_EXPIRED', 'certificate_refused'], ['unreached', 'ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_refused'],
  ['unreached', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate_refused'],
  ['lost', 'no whole answer in time', 'timed_out'], ['lost', 'ECONNRESET', 'connection_lost'], ['lost', 'HPE_INVALID_CONSTANT', 'connection_lost'],
]
for (const [kind, reason, told] of cases) {
  test(`a merchant is told of ${reason} (${kind}): ${told}`, () => assert.equal(attemptReason({ kind, reason }), told))
}
