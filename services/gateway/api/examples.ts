import type { OperationName } from './operations.ts'
import { payoutBatchExamples } from './payout-batch-examples.ts'
import { payoutExamples } from './payout-examples.ts'
import { refundExamples } from './refund-examples.ts'
import { settlementExamples } from './settlement-examples.ts'

const payment = {
  id: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'payment',
  world: 'test',
  status: 'accepted',
  amount: '5.00',
  fee: '0.08',
  currency: 'EUR',
  network: 'mtn-sandbox',
  payer: { phone: '+46•••499' },
  reference: 'order-42',
  failure: null,
  created_at: '2026-11-22T09:30:00.000Z',
  updated_at: '2026-11-22T09:30:00.000Z',
}
const endpoint = {
  id: 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'webhook_endpoint',
  world: 'test',
  url: 'https://shop.example.com/hooks',
  encryption: 'none',
  event_types: null,
  held_since: null,
  held_because: null,
  failing_since: null,
  disabled_at: null,
  disabled_because: null,
  created_at: '2026-11-22T09:30:00.000Z',
  secret_created_at: '2026-11-22T09:30:00.000Z',
  previous_secret_ends_at: null,
}

const delivery = {
  id: 'whd_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'webhook_delivery', world: 'test', endpoint: endpoint.id, event: 'payment.succeeded',
  event_id: 'evt_01k8z3f7q2e9d8m4n6p0r5s7tv', event_at: '2026-11-22T09:41:07.120Z', sequence: 3, payment: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', state: 'pending', reason: 'refused',
  attempts: [{ at: '2026-11-22T09:41:07.412Z', status: 503, reason: 'refused', duration_ms: 187 }],
  next_attempt_at: '2026-11-22T09:41:12.380Z', replays: 0, created_at: '2026-11-22T09:41:07.120Z', settled_at: null,
}

const event = {
  id: delivery.event_id, object: 'event', type: 'payment.succeeded', timestamp: '2026-11-22T09:41:07.120Z', sequence: 3,
  data: { ...payment, status: 'succeeded', updated_at: '2026-11-22T09:41:07.120Z' },
}

const apiKey = {
  id: 'key_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'api_key', world: 'test', prefix: 'ngome_sk_test_01k8z3f7q2…', state: 'valid', name: 'shop server',
  kind: 'secret', scopes: ['payments:read', 'payments:write'], allowed_addresses: ['192.0.2.7/32'],
  caps: { amount_max: { UGX: '500000' }, day_total_max: {}, currencies: [], networks: [] }, must_sign: false, rotate_after: null,
  created_at: '2026-11-22T09:30:00.000Z', expires_at: '2027-11-22T09:30:00.000Z', revoked_at: null, last_used_at: '2026-11-22T09:41:07.120Z',
  last_network: '192.0.2.0/24', last_agent: 'ngome-sdk/0.1.0', age_days: 0, rotate_by: '2027-02-20T09:30:00.000Z', is_rotation_due: false,
  is_unused: false,
}
const newApiKey = { ...apiKey, last_used_at: null, last_network: null, last_agent: null }

const token = {
  id: 'tok_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'vault_token',
  world: 'test',
  type: 'card_number',
  status: 'active',
  network: 'visa',
  masked: '•••• 4242',
  fingerprint: { status: 'pending', value: null },
  metadata: { customer: 'c-1042' },
  created_at: '2026-11-22T09:30:00.000Z',
  expires_at: '2036-11-22T00:00:00.000Z',
}
const indexedToken = { ...token, fingerprint: { status: 'computed', value: 'fpr_Zm9ydHJlc3MgZ3VhcmRzIQ' } }

const checkoutSession = {
  id: 'cos_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'checkout_session', world: 'test', status: 'open', amount: '5.00', currency: 'EUR',
  reference: 'order-42', networks: ['mtn-sandbox'], payment: null, tries_left: 5, expires_at: '2026-11-23T09:30:00.000Z',
  created_at: '2026-11-22T09:30:00.000Z',
} as const

const forward = {
  id: 'fwd_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'forward',
  world: 'test',
  status: 'answered',
  failure: null,
  answer: {
    status: 201,
    headers: { 'content-type': 'application/json' },
    body: '{"charge":"ch_42","card":"[redacted]"}',
    body_withheld: null,
  },
  created_at: '2026-11-22T09:30:00.000Z',
  ended_at: '2026-11-22T09:30:00.412Z',
}

const quota = { rate_per_second: 500, burst: 1_000, remaining: 1_000, reset_seconds: 1 }
const logged = {
  id: 'req_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'request',
  at: '2026-11-22T09:30:00.000Z',
  key: 'key_01k8z3f7q2e9d8m4n6p0r5s7tv',
  operation: 'createPayment',
  status: 201,
  fault: null,
  latency_ms: 4.2,
  address: '41.210.128.1',
  country: 'UG',
  agent: 'shop/1.0',
}
const use = {
  key: logged.key,
  at: '2026-11-22T09:00:00.000Z',
  requests: 120,
  refused: 2,
  failed: 0,
  unauthenticated: 0,
  unlogged: 0,
  latency_ms: { mean: 4.1, max: 38.2 },
  operations: { createPayment: 40, getPayment: 80 },
  addresses: { '41.210.128.1': 120 },
  countries: { UG: 120 },
  agents: { 'shop/1.0': 120 },
  payments: { EUR: { count: 40, total: '812.50' } },
}
const alert = {
  id: 'alt_01k8z3f7q2e9d8m4n6p0r5s7tv',
  object: 'alert',
  at: '2026-11-22T02:14:09.000Z',
  key: logged.key,
  kind: 'new_country',
  score: 90,
  reason: 'first requests from TZ; in the 41 days before, only from UG and KE',
  evidence: { country: 'TZ', requests: '5', days_before: '41', countries_before: '2' },
  response: 'notify',
}

/** What a request and its answer look like; a test holds each against the schema that it stands for. */
export const examples: { readonly [N in OperationName]?: { readonly request?: object; readonly answer?: object } } = {
  createPayment: {
    request: {
      amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-42',
      description: 'Two chapati',
    },
    answer: payment,
  },
  getPayment: { answer: { ...payment, status: 'succeeded', updated_at: '2026-11-22T09:30:07.120Z' } },
  cancelPayment: { answer: { ...payment, status: 'cancelled', updated_at: '2026-11-22T09:30:01.020Z' } },
  listPayments: { answer: { object: 'list', data: [payment], next_cursor: null } },
  listEvents: { answer: { object: 'list', data: [event], next_cursor: 'AAAAC2V2dF8wMWs4' } },
  getEvent: { answer: event },
  enableWebhookEndpoint: { answer: endpoint },
  replayWebhookEndpoint: {
    request: { since: '2026-11-20T00:00:00Z' },
    answer: { object: 'webhook_replay', endpoint: endpoint.id, since: '2026-11-20T00:00:00.000Z', deliveries: 12, continue_from: null },
  },
  replayWebhookDelivery: { answer: { ...delivery, next_attempt_at: null, replays: 1 } },
  ...payoutExamples,
  ...payoutBatchExamples,
  ...refundExamples,
  ...settlementExamples,
  createWebhookEndpoint: {
    request: { url: endpoint.url },
    answer: { ...endpoint, secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' },
  },
  changeWebhookEndpoint: {
    request: { url: endpoint.url, encryption: 'required' },
    answer: { ...endpoint, encryption: 'required' },
  },
  replaceWebhookSecret: {
    request: { expires_in: 86_400 },
    answer: {
      ...endpoint, secret_created_at: '2027-11-22T09:30:00.000Z', previous_secret_ends_at: '2027-11-23T09:30:00.000Z',
      secret: 'whsec_Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=',
    },
  },
  listApiKeys: { answer: { object: 'list', data: [apiKey], next_cursor: null } },
  getApiKey: { answer: apiKey },
  createApiKey: {
    request: { name: 'shop server', scopes: ['payments:read', 'payments:write'], allowed_addresses: ['192.0.2.7'], caps: { amount_max: { UGX: '500000' } } },
    answer: { ...newApiKey, secret: 'ngome_sk_test_…', secret_status: 'shown' },
  },
  rollApiKey: {
    request: { expires_in: 86_400 },
    answer: {
      ...newApiKey, secret: 'ngome_sk_test_…', secret_status: 'shown', old_key: 'key_01k5z3f7q2e9d8m4n6p0r5s7tv',
      old_key_works_until: '2026-11-23T09:30:00.000Z',
    },
  },
  revokeApiKey: { answer: { ...apiKey, state: 'revoked', revoked_at: '2026-11-22T10:02:11.000Z' } },
  revokeThisApiKey: { answer: { ...apiKey, state: 'revoked', revoked_at: '2026-11-22T10:02:11.000Z' } },
  createVaultToken: {
    request: {
      type: 'card_number', value: '4242 4242 4242 4242', expires_at: '2036-11-22T00:00:00Z', metadata: { customer: 'c-1042' },
    },
    answer: token,
  },
  createVaultTokens: {
    request: { tokens: [{ type: 'phone', value: '+256771234567' }, { type: 'card_number', value: '4242 4242 4242 4241' }] },
    answer: {
      object: 'vault_batch',
      results: [
        { id: token.id, error: null },
        { id: null, error: { pointer: '/value', detail: 'This is not a card number: 12 to 19 digits with a valid check digit.' } },
      ],
    },
  },
  listVaultKeys: {
    answer: {
      object: 'list',
      data: [{
        id: 'mek_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'vault_key', suite: 'hybrid', not_before: '2026-11-22T00:00:00.000Z',
        not_after: '2026-11-23T00:10:00.000Z', statement: 'AAAAH25nb21lL21lcmNoYW50LWtleS1zdGF0ZW1lbnQvdjE',
      }],
    },
  },
  getVaultToken: { answer: indexedToken },
  listVaultTokens: { answer: { object: 'list', data: [indexedToken], next_cursor: null } },
  createCheckoutSession: {
    request: { amount: '5.00', currency: 'EUR', reference: 'order-42', description: 'Two chapati', success_url: 'https://shop.example/thanks' },
    answer: { ...checkoutSession, url: 'https://checkout.example.com/c/q2e9d8m4n6p0r5s7tvq2e9d8m4n6p0r5s7tvq2e9d8m4n6p0' },
  },
  getCheckoutSession: { answer: checkoutSession },
  cancelCheckoutSession: { answer: { ...checkoutSession, status: 'cancelled' } },
  createForward: {
    request: {
      method: 'POST', url: 'https://acquirer.example.com/v2/charges', headers: { 'x-request': 'order-42' },
      json: { card: { number: '{{tok_01k8z3f7q2e9d8m4n6p0r5s7tv}}' }, amount: 500 },
    },
    answer: forward,
  },
  getForward: { answer: forward },
  listNetworks: {
    answer: {
      object: 'list',
      data: [{
        object: 'network', name: 'mtn-ug', world: 'live', currency: 'UGX', country: 'UG', calling_code: '256', directions: ['collection', 'payout'],
        status: 'operational', since: '2026-11-22T00:00:00.000Z',
        maintenance: [{ from: '2026-11-29T22:00:00.000Z', to: '2026-11-30T02:00:00.000Z', reason: 'Upgrade of the core' }],
      }],
    },
  },
  listBalances: {
    answer: { object: 'list', data: [{ object: 'balance', world: 'test', currency: 'EUR', available: '120.50', pending: '5.00', reserved: '0.00', owed: '0.00' }] },
  },
  getStatement: {
    answer: {
      object: 'statement', world: 'test', account: 'acc_01k8z3f7q2e9d8m4n6p0r5s7tv', currency: 'EUR', from: '2025-11-01', to: '2025-11-21',
      opening_balance: '100.00', credits: '20.50', debits: '0.00', closing_balance: '120.50', entry_count: 1,
      data: [{
        object: 'statement_entry', payment: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', type: 'collection', direction: 'credit', amount: '20.50', balance: '120.50',
        reference: 'order-42', network: 'mtn-sandbox', booked_on: '2025-11-20', posted_at: '2025-11-20T09:30:00.000Z',
      }],
      next_cursor: null,
    },
  },
  getLimits: {
    answer: {
      object: 'limits', world: 'test', key: { ...quota, remaining: 994 }, merchant: { ...quota, rate_per_second: 1_000, burst: 2_000, remaining: 1_994 },
      routes: [{ operation: 'createPayment', cost: 5, ...quota, remaining: 995 }],
    },
  },
  listWebhookDeliveries: { answer: { object: 'list', data: [delivery], next_cursor: null } },
  listWebhookEndpoints: { answer: { object: 'list', data: [endpoint], next_cursor: null } },
  getPins: {
    answer: {
      object: 'pin_set', version: 3, names: ['api.example.com'], issued_at: '2026-11-22T09:30:00.000Z', expires_at: '2027-11-22T09:30:00.000Z',
      pins: [
        {
          spki_sha256: 'Zm9ydHJlc3MgZm9ydHJlc3MgZm9ydHJlc3MgMDAxMjM=', role: 'current', not_before: '2026-11-22T09:30:00.000Z',
          not_after: '2027-11-22T09:30:00.000Z',
        },
        {
          spki_sha256: 'YmFja3VwIGJhY2t1cCBiYWNrdXAgYmFja3VwIDAwMTI=', role: 'backup', not_before: '2026-11-22T09:30:00.000Z',
          not_after: '2028-11-22T09:30:00.000Z',
        },
      ],
      statement: 'eyJhbGciOiJFZERTQSIsInR5cCI6Im5nb21lLXBpbnMrandzIn0.eyJ2ZXJzaW9uIjozfQ.AAAA',
    },
  },
  listUsage: { answer: { object: 'usage', world: 'test', by: 'hour', data: [use] } },
  listRequests: { answer: { object: 'list', data: [logged], next_cursor: null } },
  listAlerts: { answer: { object: 'list', data: [alert], next_cursor: null } },
}
