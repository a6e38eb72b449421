import type { AddressInfo } from 'node:net'
import { apiKeyVerifier, newApiKey } from '@ngome/access'
import { newId, requestIds, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { createMetrics } from '@ngome/runtime'
import { Authenticator } from '../../services/gateway/access/authenticate.ts'
import { composeGuards } from '../../services/gateway/access/compose-guards.ts'
import { AnswerKeys } from '../../services/gateway/answers/answer-keys.ts'
import { answerSigner } from '../../services/gateway/answers/sign-answers.ts'
import { operationNames } from '../../services/gateway/api/operations.ts'
import { jsonType, type Answer } from '../../services/gateway/http/answer.ts'
import type { Handlers } from '../../services/gateway/http/call.ts'
import { createPublicApi } from '../../services/gateway/http/public-api.ts'
import { createLimits } from '../../services/gateway/limits/compose-limits.ts'
import { Shedding } from '../../services/gateway/overload/shedding.ts'
import { gatewayMetrics } from '../../services/gateway/process/gateway-metrics.ts'
import { noDefence } from '../../services/gateway/testing/no-defence.ts'
import { fixedPeppers, manualLease, provenRow } from '../../services/gateway/testing/proven-keys.ts'
import { UsageRecorder } from '../../services/gateway/usage/recorder.ts'

export type PipelineOrder = {
  readonly certificate: { readonly key: string; readonly cert: string }
  /** What every operation answers, once a request has come as far as its handler. */
  readonly status: number
  readonly body: string
}
export type PipelineReport = { readonly port: number; readonly key: string }

const from = { clock: systemClock, random: systemRandom }
const monotonicMs = (): number => performance.now()
/** Wide: every check is made and none refuses. */
const wide = { ratePerS: 1_000_000, burst: 1_000_000 }
const wideLimits = { key: wide, merchant: wide, route: wide }
/** As often as the gateway writes down what was heard of its callers. */
const takeMs = 1_000

/** Nobody here asks for a signed answer. */
const neverStated = new AnswerKeys({ custodian: undefined as never, statementKey: undefined as never, clock: systemClock, logger: undefined as never })

/** The gateway's public API whole, with every guard and count of a request, in front of handlers that do nothing. */
process.once('message', (order: PipelineOrder) => void serve(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function serve({ certificate, status, body }: PipelineOrder): Promise<PipelineReport> {
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const pepper = new Secret(systemRandom.bytes(32))
  const key = newApiKey({ world: 'test', ...from })
  const row = provenRow({
    id: key.id, tenant, verifier: apiKeyVerifier(pepper, { ...key, tenant }), pepperVersion: 1,
    isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true,
  })
  const authenticator = new Authenticator({
    peppers: fixedPeppers(new Map([[1, pepper]])), lease: manualLease(), clock: systemClock, rows: { cached: () => row, load: async () => undefined },
  })
  const registry = createMetrics({ process: 'gateway' })
  const metrics = gatewayMetrics(registry, { ageMs: 0 }, monotonicMs)
  const shedding = new Shedding({ monotonicMs, onShed: () => undefined })
  const limits = createLimits({
    config: { gateways: 1, address: wide, failureCost: 40, ceiling: wide, test: wideLimits, live: wideLimits },
    monotonicMs, clock: systemClock, find: async () => undefined, store: undefined, onRefused: () => undefined, metrics: registry,
  })
  const usage = new UsageRecorder(from)
  setInterval(() => usage.take(), takeMs).unref()
  const answer: Answer = { status, contentType: jsonType, body }
  const server = await createPublicApi(certificate, {
    hosts: ['localhost'], newRequestId: requestIds(from), monotonicMs, isDraining: () => false,
    guards: composeGuards({
      clock: systemClock, limits, shedding, verify: () => undefined, askedToSign: answerSigner({ keys: neverStated, clock: systemClock }), onSeenInBrowser: () => undefined,
      authenticate: metrics.timeKeyChecks((authorization, connection) => authenticator.authenticate(authorization, connection)),
    }),
    defence: noDefence,
    onHandled: (request, operation) => shedding.end(request, operation),
    onAnswer: (route, status, ms, request) => {
      metrics.onAnswer(route, status, ms)
      limits.onAnswer(request)
      usage.onAnswer(route, status, ms, request)
    },
    onFailure: (fault) => console.error(fault),
  }, Object.fromEntries(operationNames.map((name) => [name, () => answer])) as unknown as Handlers)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, key: key.text.expose((text) => text) }
}
