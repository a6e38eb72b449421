import { createHash } from 'node:crypto'
import { newId, type Clock, type EventId, type ProcessRole, type Random, type Tenant } from '@ngome/kernel'
import { z } from 'zod'
import { networkPattern } from './api/payments.ts'
import { webhookHoldReasons, webhookEncryptions } from './api/webhook-endpoints.ts'
import { canonicalJson } from './canonical-json.ts'
import { classed } from './classed.ts'
import { purposes } from './custodian.ts'
import { idSchema, paymentIdSchema, worldSchema } from './ids.ts'
import { payoutBatchEvents } from './payout-batch-events.ts'
import { reconciliationEvents } from './reconciliation-events.ts'
import { reversalEvents } from './reversal-events.ts'
import { rowEvents } from './row-events.ts'
import { stapleFailures } from './staples.ts'
import { certificateRefusals, tlsFindingCodes, tlsVerdicts } from './tls-checks.ts'
import { anomalyKinds, anomalyResponses, restrictions } from './use.ts'

const payment = classed('internal', paymentIdSchema())
const settlement = classed('internal', idSchema('settlement'))
/** The bank's reference, or why it did not pay. */
const settlementWords = classed('internal', z.string().max(200))
const checkoutSession = classed('internal', idSchema('checkoutSession'))
const vaultToken = classed('internal', idSchema('vaultToken'))
const merchantKey = classed('internal', idSchema('merchantSigningKey'))
const forward = classed('internal', idSchema('forward'))
const forwardDestination = classed('internal', idSchema('forwardDestination'))
const webhookEndpoint = classed('internal', idSchema('webhookEndpoint'))
const webhookEncryption = classed('internal', z.enum(webhookEncryptions))
const webhookSecret = {
  endpoint: classed('internal', idSchema('webhookEndpoint')),
  version: classed('internal', z.int().positive()),
}
/** From where it came, as the ban list writes it. */
const network = classed('internal', z.string().max(64))
const paymentNetwork = classed('internal', z.string().regex(networkPattern))
const maintenance = { network: paymentNetwork, from: classed('internal', z.iso.datetime()), to: classed('internal', z.iso.datetime()) }
const status = classed('internal', z.string())
const origin = classed('internal', z.string().max(267))
const apiKey = classed('internal', idSchema('apiKey'))
/** Of what a merchant did itself: with which API key it asked, and which of its keys signed that. Absent where the operator did it. */
const byMerchant = { asked_with: apiKey.optional(), signed_with: merchantKey.optional() }
const alert = classed('internal', idSchema('alert'))
const anomaly = z.strictObject({
  key: apiKey,
  alert,
  kind: classed('internal', z.enum(anomalyKinds)),
  score: classed('internal', z.int().min(0).max(100)),
  reason: classed('internal', z.string().max(300)),
  response: classed('internal', z.enum(anomalyResponses)),
})
/** A row of the custodian's log: ids and names, as it wrote them. */
const custodianRow = {
  sequence: classed('internal', z.int()),
  loggedAt: classed('internal', z.iso.datetime()),
  caller: classed('internal', z.string().max(512)),
  operation: classed('internal', z.string().max(512)),
  subject: classed('internal', z.string().max(512)),
}
/** A look at a public address of ours: host and port, and the row that keeps what was seen. */
const tlsCheck = {
  address: classed('internal', z.string().max(300)),
  check: classed('internal', idSchema('tlsCheck')),
}
const tlsFound = z.strictObject({
  ...tlsCheck, findings: z.array(classed('internal', z.enum(tlsFindingCodes))), detail: classed('internal', z.string().max(2_048)),
})
/** A certificate that was ordered by ACME. */
const acmeOrder = { order: classed('internal', idSchema('acmeOrder')), names: z.array(classed('internal', z.string().max(253))) }
/** Of a certificate, in hexadecimal. */
const serial = classed('internal', z.string().max(64))
const custodianAct = z.strictObject(custodianRow)

/** An alarm is an event whose severity is `alarm`: somebody should look now. */
export const severities = ['info', 'notice', 'warning', 'alarm'] as const
export type Severity = (typeof severities)[number]

/**
 * Every event that the platform's application database keeps: its severity and what its data may carry. Values of class
 * confidential or restricted never enter an event; where a person needs to recognise one, a masked form does.
 */
export const eventTypes = {
  'merchant.created': { severity: 'notice', data: z.strictObject({}) },
  'merchant.frozen': { severity: 'warning', data: z.strictObject({}) },
  'merchant.unfrozen': { severity: 'notice', data: z.strictObject({}) },
  'merchant.policy_changed': {
    severity: 'warning', data: z.strictObject({
      world: classed('internal', worldSchema), vault_plaintext: classed('internal', z.enum(['allowed', 'refused'])),
    }),
  },
  'merchant.origin_added': { severity: 'warning', data: z.strictObject({ origin }) },
  'merchant.origin_removed': { severity: 'notice', data: z.strictObject({ origin }) },
  'merchant.anomaly_policy_changed': {
    severity: 'warning', data: z.strictObject({
      world: classed('internal', worldSchema), on_anomaly: classed('internal', z.enum([...anomalyResponses, 'default'])),
    }),
  },
  'merchant.limits_changed': {
    severity: 'warning', data: z.strictObject({
      world: classed('internal', worldSchema),
      /** `null`: those of the configuration again. */
      ratePerS: classed('internal', z.int()).nullable(), burst: classed('internal', z.int()).nullable(),
    }),
  },
  /** At most once a minute for each key; `count` requests were refused since the one before. */
  'limits.exceeded': {
    severity: 'notice', data: z.strictObject({
      key: classed('internal', idSchema('apiKey')),
      limit: classed('internal', z.enum(['key', 'merchant', 'route'])),
      count: classed('internal', z.int()),
    }),
  },
  'limits.store_away': { severity: 'warning', data: z.strictObject({}) },
  'limits.store_back': { severity: 'notice', data: z.strictObject({ awayMs: classed('internal', z.int()) }) },
  /** At most one a minute for each network, by what a dispatcher saw: nothing new is sent there meanwhile. */
  /** Time partitions of payments end in so many days, and housekeeping could make no more. Told every hour. */
  'store.partitions_missing': { severity: 'alarm', data: z.strictObject({ days: classed('internal', z.int()) }) },
  'network.away': { severity: 'warning', data: z.strictObject({ network: paymentNetwork }) },
  'network.back': { severity: 'notice', data: z.strictObject({ network: paymentNetwork, awayMs: classed('internal', z.int()) }) },
  'network.maintenance_added': { severity: 'notice', data: z.strictObject(maintenance) },
  'network.maintenance_removed': { severity: 'notice', data: z.strictObject({ network: paymentNetwork, from: maintenance.from }) },
  'api_key.issued': { severity: 'notice', data: z.strictObject({ key: classed('internal', idSchema('apiKey')), ...byMerchant }) },
  /** Another key takes its place; until then both work. */
  'api_key.rolled': {
    severity: 'notice', data: z.strictObject({
      key: classed('internal', idSchema('apiKey')), successor: classed('internal', idSchema('apiKey')),
      ends_at: classed('internal', z.iso.datetime()), ...byMerchant,
    }),
  },
  'api_key.rotation_due': { severity: 'notice', data: z.strictObject({ key: classed('internal', idSchema('apiKey')) }) },
  'api_key.unused': { severity: 'notice', data: z.strictObject({ key: classed('internal', idSchema('apiKey')) }) },
  'api_key.revoked': { severity: 'warning', data: z.strictObject({ key: classed('internal', idSchema('apiKey')), ...byMerchant }) },
  /** A secret key came from a browser: whoever may see that page has it. `null` is an origin that is none. */
  'api_key.seen_in_browser': {
    severity: 'warning',
    data: z.strictObject({ key: classed('internal', idSchema('apiKey')), origin: origin.nullable() }),
  },
  'api_key.unproven': { severity: 'alarm', data: z.strictObject({ key: classed('internal', idSchema('apiKey')) }) },
  'api_key.anomaly': { severity: 'warning', data: anomaly },
  /** The same with a score that somebody should look at now. */
  'api_key.misuse': { severity: 'alarm', data: anomaly },
  'api_key.failed_authentications': {
    severity: 'warning', data: z.strictObject({ key: apiKey, alert, count: classed('internal', z.int()) }),
  },
  'api_key.restricted': {
    severity: 'warning',
    data: z.strictObject({ key: apiKey, restriction: classed('internal', z.enum(restrictions)), ends_at: classed('internal', z.iso.datetime()) }),
  },
  'api_key.unrestricted': { severity: 'notice', data: z.strictObject({ key: apiKey }) },
  'merchant_key.added': { severity: 'warning', data: z.strictObject({ key: merchantKey }) },
  'merchant_key.revoked': { severity: 'warning', data: z.strictObject({ key: merchantKey }) },
  /** A row that the custodian did not sign, or that says nothing of a revocation that the custodian knows of. */
  'merchant_key.unproven': { severity: 'alarm', data: z.strictObject({ key: merchantKey }) },
  'payment.accepted': { severity: 'info', data: z.strictObject({ payment, status }) },
  /** More than goes out on one person's word. */
  'payout.awaiting_approval': { severity: 'notice', data: z.strictObject({ payment, status, signed_with: merchantKey }) },
  'payout.approved': { severity: 'notice', data: z.strictObject({ payment, status, ...byMerchant }) },
  'payout.refused': { severity: 'notice', data: z.strictObject({ payment, status, ...byMerchant }) },
  'payout.accepted': { severity: 'info', data: z.strictObject({ payment, status, signed_with: merchantKey }) },
  'payment.processing': { severity: 'info', data: z.strictObject({ payment, status }) },
  /** Its payer is asked by his bank; where, the payment says. */
  'payment.requires_action': { severity: 'info', data: z.strictObject({ payment, status }) },
  'payment.succeeded': { severity: 'info', data: z.strictObject({ payment, status }) },
  'payment.failed': {
    severity: 'info',
    data: z.strictObject({ payment, status, failure: classed('internal', z.string()) }),
  },
  'payment.cancelled': { severity: 'info', data: z.strictObject({ payment, status, ...byMerchant }) },
  'payout.cancelled': { severity: 'info', data: z.strictObject({ payment, status, ...byMerchant }) },
  'refund.cancelled': { severity: 'info', data: z.strictObject({ payment, status, ...byMerchant }) },
  /** Sent, and the network's answers do not say whether it has it. */
  'payment.in_doubt': { severity: 'notice', data: z.strictObject({ payment, status }) },
  /** In doubt for longer than anything that was sent needs: a person has to ask the network. Told once. */
  'payment.stuck': { severity: 'alarm', data: z.strictObject({ payment, status }) },
  'payout.processing': { severity: 'info', data: z.strictObject({ payment, status }) },
  'payout.in_doubt': { severity: 'notice', data: z.strictObject({ payment, status }) },
  'payout.succeeded': { severity: 'info', data: z.strictObject({ payment, status }) },
  'payout.failed': { severity: 'info', data: z.strictObject({ payment, status, failure: classed('internal', z.string()) }) },
  'refund.accepted': { severity: 'info', data: z.strictObject({ payment, status, signed_with: merchantKey }) },
  'refund.processing': { severity: 'info', data: z.strictObject({ payment, status }) },
  'refund.in_doubt': { severity: 'notice', data: z.strictObject({ payment, status }) },
  'refund.succeeded': { severity: 'info', data: z.strictObject({ payment, status }) },
  'refund.failed': { severity: 'info', data: z.strictObject({ payment, status, failure: classed('internal', z.string()) }) },
  'payment.mismatch': {
    severity: 'alarm',
    data: z.strictObject({ payment, fields: classed('internal', z.array(z.string())) }),
  },
  'payment.unopenable': { severity: 'alarm', data: z.strictObject({ payment }) },
  'payment.revealed': {
    severity: 'alarm',
    data: z.strictObject({
      payment,
      staff: z.array(classed('internal', idSchema('staff'))),
      reason: classed('internal', z.string().max(500)),
    }),
  },
  'custodian.budget_spent': {
    severity: 'alarm',
    data: z.strictObject({ purpose: classed('internal', z.enum(purposes)) }),
  },
  'custodian.refused': {
    severity: 'alarm',
    data: z.strictObject({
      ...custodianRow,
      reason: classed('internal', z.string().max(512)),
      /** Rows that this event stands for: alike, from `sequence` to `last`. */
      count: classed('internal', z.int()),
      last: classed('internal', z.int()),
    }),
  },
  /** The log is not the one that was read until `sequence`: somebody put an older store back, or another one. */
  'custodian.log_rewound': {
    severity: 'alarm',
    data: z.strictObject({ sequence: classed('internal', z.int()), loggedAt: classed('internal', z.iso.datetime()) }),
  },
  'custodian.enrolled': { severity: 'notice', data: custodianAct },
  'custodian.certificate_revoked': { severity: 'warning', data: custodianAct },
  'custodian.staff_admitted': { severity: 'alarm', data: custodianAct },
  'custodian.staff_retired': { severity: 'warning', data: custodianAct },
  'custodian.call_approved': { severity: 'warning', data: custodianAct },
  'custodian.record_revealed': { severity: 'alarm', data: custodianAct },
  'custodian.keys_rotated': { severity: 'notice', data: custodianAct },
  'custodian.keys_compromised': { severity: 'alarm', data: custodianAct },
  'custodian.destruction_ordered': { severity: 'alarm', data: custodianAct },
  'custodian.destruction_cancelled': { severity: 'warning', data: custodianAct },
  'custodian.keys_destroyed': { severity: 'alarm', data: custodianAct },
  'custodian.destruction_certified': { severity: 'notice', data: custodianAct },
  'custodian.destination_signed': { severity: 'notice', data: custodianAct },
  'custodian.merchant_key_stated': { severity: 'notice', data: custodianAct },
  'custodian.pins_signed': { severity: 'warning', data: custodianAct },
  'checkout_session.created': { severity: 'info', data: z.strictObject({ session: checkoutSession }) },
  'checkout_session.cancelled': { severity: 'info', data: z.strictObject({ session: checkoutSession }) },
  /** Somebody with its link had a payer asked. */
  'checkout_session.tried': { severity: 'info', data: z.strictObject({ session: checkoutSession, payment }) },
  'callback.received': { severity: 'info', data: z.strictObject({ payment }) },
  'callback.contradicted': { severity: 'warning', data: z.strictObject({ payment }) },
  'webhook_endpoint.created': {
    severity: 'notice',
    data: z.strictObject({ endpoint: classed('internal', idSchema('webhookEndpoint')) }),
  },
  /** Its address or its encryption. */
  'webhook_endpoint.changed': { severity: 'warning', data: z.strictObject({ endpoint: webhookEndpoint, encryption: webhookEncryption }) },
  /** Once, until something was delivered again. */
  'webhook_endpoint.held': { severity: 'warning', data: z.strictObject({ endpoint: webhookEndpoint, reason: classed('internal', z.enum(webhookHoldReasons)) }) },
  /** Its row is not what its merchant stated: nothing is sent to it. */
  'webhook_endpoint.unproven': { severity: 'alarm', data: z.strictObject({ endpoint: webhookEndpoint }) },
  /** Nothing that was sent to it was taken for long. */
  'webhook_endpoint.failing': { severity: 'notice', data: z.strictObject({ endpoint: webhookEndpoint }) },
  /** Nothing is sent to it until its merchant enables it. */
  'webhook_endpoint.disabled': { severity: 'warning', data: z.strictObject({ endpoint: webhookEndpoint }) },
  'webhook_endpoint.enabled': { severity: 'notice', data: z.strictObject({ endpoint: webhookEndpoint }) },
  /** Its merchant had deliveries told again. */
  'webhook_endpoint.replayed': {
    severity: 'notice', data: z.strictObject({ endpoint: webhookEndpoint, deliveries: classed('internal', z.int()) }),
  },
  'webhook_endpoint.deleted': {
    severity: 'notice',
    data: z.strictObject({ endpoint: classed('internal', idSchema('webhookEndpoint')) }),
  },
  'webhook_endpoint.secret_rolled': {
    severity: 'warning',
    data: z.strictObject({ ...webhookSecret, previous_ends_at: classed('internal', z.iso.datetime()) }),
  },
  'webhook_endpoint.secret_due': { severity: 'notice', data: z.strictObject(webhookSecret) },
  'vault.token_created': { severity: 'info', data: z.strictObject({ token: vaultToken }) },
  'vault.token_deleted': { severity: 'notice', data: z.strictObject({ token: vaultToken }) },
  'vault.token_expired': { severity: 'info', data: z.strictObject({ token: vaultToken }) },
  'vault.token_invalid': { severity: 'notice', data: z.strictObject({ token: vaultToken }) },
  'vault.token_unopenable': { severity: 'alarm', data: z.strictObject({ token: vaultToken }) },
  'forward.accepted': { severity: 'info', data: z.strictObject({ forward, destination: forwardDestination }) },
  'forward.refused': {
    severity: 'warning',
    data: z.strictObject({ reason: classed('internal', z.enum(['address_not_allowed', 'destination_unproven'])) }),
  },
  'forward.ended': { severity: 'info', data: z.strictObject({ forward, status, failure: classed('internal', z.string()).nullable() }) },
  'forward.unknown': { severity: 'warning', data: z.strictObject({ forward }) },
  'forward.suspect': {
    severity: 'alarm',
    data: z.strictObject({ forward, reason: classed('internal', z.string().max(64)) }),
  },
  'forward_destination.allowed': { severity: 'notice', data: z.strictObject({ destination: forwardDestination }) },
  'forward_destination.removed': { severity: 'notice', data: z.strictObject({ destination: forwardDestination }) },
  /** What was turned away since the last such event, at most one a minute from each gateway. */
  'gateway.overloaded': {
    severity: 'warning',
    data: z.strictObject({
      deferrable: classed('internal', z.int()), ordinary: classed('internal', z.int()), vital: classed('internal', z.int()),
      concurrency_limit: classed('internal', z.int()),
    }),
  },
  'gateway.banned': {
    severity: 'warning',
    data: z.strictObject({ network, reason: classed('internal', z.string().max(64)), seconds: classed('internal', z.int()) }),
  },
  'gateway.unbanned': { severity: 'notice', data: z.strictObject({ network }) },
  'webhook.delivered': {
    severity: 'info',
    data: z.strictObject({ delivery: classed('internal', idSchema('webhookDelivery')), payment: payment.nullable() }),
  },
  'webhook.given_up': {
    severity: 'warning',
    data: z.strictObject({ delivery: classed('internal', idSchema('webhookDelivery')), payment: payment.nullable() }),
  },
  /** What every account held when the day ended is fixed by this hash, which the next day's is made over (ADR 32). */
  'ledger.day_closed': {
    severity: 'info', data: z.strictObject({
      day: classed('internal', z.iso.date()), accounts: classed('internal', z.int().min(0)),
      hash: classed('internal', z.string().regex(/^[0-9a-f]{64}$/)),
    }),
  },
  /** Money of a merchant's was taken out to be paid to its bank; what the operator's bank did with it. */
  'settlement.created': { severity: 'notice', data: z.strictObject({ settlement, day: classed('internal', z.iso.date()) }) },
  'settlement.paid': { severity: 'notice', data: z.strictObject({ settlement, words: settlementWords }) },
  'settlement.failed': { severity: 'warning', data: z.strictObject({ settlement, words: settlementWords }) },
  /** A change of it that a merchant was to be told of, and that nobody who may make it vouches for. */
  'settlement.unproven': { severity: 'alarm', data: z.strictObject({ settlement }) },
  ...reconciliationEvents,
  ...payoutBatchEvents,
  ...reversalEvents,
  ...rowEvents,
  'tls.checked': { severity: 'info', data: z.strictObject({ ...tlsCheck, verdict: classed('internal', z.enum(tlsVerdicts)) }) },
  'tls.posture_failed': { severity: 'alarm', data: tlsFound },
  'tls.posture_doubtful': { severity: 'warning', data: tlsFound },
  'tls.expires_soon': { severity: 'warning', data: tlsFound },
  'tls.expires_in_days': { severity: 'alarm', data: tlsFound },
  'tls.chain_changed': { severity: 'warning', data: tlsFound },
  'tls.certificate_loaded': {
    severity: 'notice', data: z.strictObject({ serial, ends_at: classed('internal', z.iso.datetime()) }),
  },
  'tls.certificate_refused': { severity: 'alarm', data: z.strictObject({ reason: classed('internal', z.enum(certificateRefusals)) }) },
  'tls.acme_ordered': { severity: 'notice', data: z.strictObject(acmeOrder) },
  /** The certificate before stays; the order is tried again at `retry_at`, or not where that is `null`. */
  'tls.acme_failed': {
    severity: 'alarm', data: z.strictObject({
      ...acmeOrder, problem: classed('internal', z.string().max(128)), detail: classed('internal', z.string().max(1_024)),
      tries: classed('internal', z.int()), retry_at: classed('internal', z.iso.datetime()).nullable(),
    }),
  },
  'tls.acme_renewal_asked': { severity: 'notice', data: z.strictObject({ instances: classed('internal', z.int()) }) },
  /** What the authority says of the served certificate is new, and stapled. */
  'tls.stapled': {
    severity: 'info', data: z.strictObject({ serial, ends_at: classed('internal', z.iso.datetime()) }),
  },
  /** Asking failed several times; what is kept is stapled while it counts. */
  'tls.staple_failed': { severity: 'warning', data: z.strictObject({ serial, reason: classed('internal', z.enum(stapleFailures)) }) },
  /** Nothing can be stapled: clients that obey a demand for it turn away. */
  'tls.staple_missing': {
    severity: 'alarm', data: z.strictObject({ serial, reason: classed('internal', z.enum(stapleFailures)), is_demanded: classed('internal', z.boolean()) }),
  },
  /** A row that is not what an authority signed about the served certificate. */
  'tls.staple_unproven': { severity: 'alarm', data: z.strictObject({ serial, reason: classed('internal', z.enum(stapleFailures)) }) },
  /** The authority has revoked the certificate that is served. */
  'tls.certificate_revoked': {
    severity: 'alarm', data: z.strictObject({ serial, revoked_at: classed('internal', z.iso.datetime()) }),
  },
  'tls.pins_published': { severity: 'warning', data: z.strictObject({ version: classed('internal', z.int().positive()) }) },
  'tls.pins_unproven': { severity: 'alarm', data: z.strictObject({ version: classed('internal', z.int()) }) },
  'tls.root_change_due': { severity: 'warning', data: tlsFound },
} as const satisfies Record<string, { severity: Severity; data: z.ZodType }>

export type EventType = keyof typeof eventTypes
export type EventData<T extends EventType> = z.input<(typeof eventTypes)[T]['data']>

export const eventSchema = z.strictObject({
  id: classed('internal', idSchema('event')),
  type: classed('internal', z.enum(Object.keys(eventTypes) as [EventType, ...EventType[]])),
  severity: classed('internal', z.enum(severities)),
  at: classed('internal', z.iso.datetime()),
  process: classed('internal', z.enum(['gateway', 'custodian', 'dispatcher', 'operator'])),
  merchant: classed('internal', idSchema('merchant')).nullable(),
  world: classed('internal', worldSchema).nullable(),
  data: classed('internal', z.record(z.string(), z.json())),
})
export type Event = z.output<typeof eventSchema>

/**
 * Makes an event; the one way to. The caller inserts it, with its leaf, in the transaction of the effect.
 * @param subject whose it is, or `null` for an event of the platform itself
 */
export function emit<T extends EventType>(
  from: { readonly clock: Clock; readonly random: Random; readonly process: Exclude<ProcessRole, 'auditor'> },
  type: T,
  subject: Tenant | { readonly merchant: Tenant['merchant']; readonly world: null } | null,
  data: EventData<T>,
): Event {
  return {
    id: newId('event', from) satisfies EventId,
    type,
    severity: eventTypes[type].severity,
    at: new Date(from.clock.nowMs()).toISOString(),
    process: from.process,
    merchant: subject?.merchant ?? null,
    world: subject?.world ?? null,
    data: eventTypes[type].data.parse(data),
  }
}

/** The audit leaf of an event: SHA-256 of its RFC 8785 canonical JSON. */
export function auditLeaf(event: Event): Uint8Array {
  return createHash('sha256').update(canonicalJson(event), 'utf8').digest()
}
