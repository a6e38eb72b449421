const batch = {
  id: 'pbt_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'payout_batch', world: 'test', status: 'open', reference: 'wages-2026-11', currency: 'EUR', count: 2, total: '12.50',
  accepted: { count: 0, total: '0.00' }, by_status: [], created_at: '2026-11-22T09:30:00.000Z', updated_at: '2026-11-22T09:30:00.000Z',
}
const whole = {
  ...batch, status: 'complete', accepted: { count: 2, total: '12.50' },
  by_status: [{ status: 'accepted', count: 1, total: '7.50' }, { status: 'succeeded', count: 1, total: '5.00' }], updated_at: '2026-11-22T09:30:04.210Z',
}

const party = { key: 'key_01k8z3f7q2e9d8m4n6p0r5s7tv', signing_key: 'msk_01k8z3f7q2e9d8m4n6p0r5s7tv', at: '2026-11-22T09:30:00.000Z' }
const approver = { key: 'key_01k8z3f7q2e9d8m4n6p0r5s7tw', signing_key: 'msk_01k8z3f7q2e9d8m4n6p0r5s7tw', at: '2026-11-22T10:12:31.020Z' }
const seen = {
  reference: 'wages-2026-11', currency: 'EUR', count: 2, total: '12500.00', parts_digest: '5d41402abc4b2a76b9719d911017c592ae4f6c1e0b7a3d8f5c2e9b1a4d7f0c63',
}
const decided = (decision: string, status: string) => ({
  ...batch, total: seen.total, status, accepted: { count: 2, total: seen.total }, by_status: [{ status: 'awaiting_approval', count: 2, total: seen.total }],
  approval: { asked: party, answer: { decision, ...approver }, expires_at: '2026-11-24T09:30:00.000Z', parts_digest: seen.parts_digest }, updated_at: '2026-11-22T09:30:04.210Z',
})

/** Examples of payouts by the hundred thousand. */
export const payoutBatchExamples = {
  createPayoutBatch: { request: { reference: 'wages-2026-11', currency: 'EUR', count: 2, total: '12.50' }, answer: batch },
  addPayouts: {
    request: {
      part: 1, batch_reference: 'wages-2026-11', currency: 'EUR', network: 'mtn-sandbox', payouts: [
        { reference: 'w-1', amount: '5.00', payee: { phone: '+46733123499' } }, { reference: 'w-2', amount: '7.50', payee: { phone: '+46733123498' }, description: 'November' },
      ],
    },
    answer: {
      id: 'pbp_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'payout_batch_part', world: 'test', batch: batch.id, part: 1, count: 2, total: '12.50', fee: '0.20',
      currency: 'EUR', created_at: '2026-11-22T09:30:04.210Z',
    },
  },
  getPayoutBatch: { answer: whole },
  approvePayoutBatch: { request: seen, answer: decided('approved', 'complete') },
  refusePayoutBatch: { answer: decided('refused', 'refused') },
  cancelPayoutBatch: { answer: { ...whole, status: 'cancelled', by_status: [{ status: 'cancelled', count: 1, total: '7.50' }, { status: 'succeeded', count: 1, total: '5.00' }] } },
}
