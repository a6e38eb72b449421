const payout = {
  id: 'pyt_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'payout', world: 'test', status: 'accepted', amount: '5.00', fee: '0.10', currency: 'EUR',
  network: 'mtn-sandbox', payee: { phone: '+46•••499' }, reference: 'wages-47', failure: null,
  created_at: '2026-11-22T09:30:00.000Z', updated_at: '2026-11-22T09:30:00.000Z',
}

const party = { key: 'key_01k8z3f7q2e9d8m4n6p0r5s7tv', signing_key: 'msk_01k8z3f7q2e9d8m4n6p0r5s7tv', at: '2026-11-22T09:30:00.000Z' }
const second = { key: 'key_01k8z3f7q2e9d8m4n6p0r5s7tw', signing_key: 'msk_01k8z3f7q2e9d8m4n6p0r5s7tw', at: '2026-11-22T10:02:11.480Z' }
const large = { ...payout, amount: '5000.00' }
const expiry = { expires_at: '2026-11-24T09:30:00.000Z' }

/** Examples of what takes money out. */
export const payoutExamples = {
  createPayout: {
    request: {
      amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733123499' }, reference: 'wages-47',
      description: 'Wages, week 47',
    },
    answer: payout,
  },
  getPayout: { answer: { ...payout, status: 'succeeded', updated_at: '2026-11-22T09:30:07.120Z' } },
  cancelPayout: { answer: { ...payout, status: 'cancelled', updated_at: '2026-11-22T09:30:01.020Z' } },
  approvePayout: {
    request: { amount: '5000.00', currency: 'EUR', reference: 'wages-47', payee: { phone: '+46•••499' } },
    answer: { ...large, updated_at: second.at, approval: { asked: party, answer: { decision: 'approved', ...second }, ...expiry } },
  },
  refusePayout: {
    answer: {
      ...large, status: 'failed', failure: { code: 'approval_refused' }, updated_at: second.at,
      approval: { asked: party, answer: { decision: 'refused', ...second }, ...expiry },
    },
  },
  listPayouts: { answer: { object: 'list', data: [payout], next_cursor: null } },
}
