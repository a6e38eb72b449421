const refund = {
  id: 'rfd_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'refund', payment: 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', world: 'test', status: 'accepted', amount: '2.50',
  fee: '0.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46•••499' }, reference: 'return-12', failure: null,
  created_at: '2026-11-22T09:30:00.000Z', updated_at: '2026-11-22T09:30:00.000Z',
}

/** Examples of what gives money back. */
export const refundExamples = {
  createRefund: { request: { amount: '2.50', reference: 'return-12', description: 'One chapati was cold' }, answer: refund },
  getRefund: { answer: { ...refund, status: 'succeeded', updated_at: '2026-11-22T09:30:07.120Z' } },
  cancelRefund: { answer: { ...refund, status: 'cancelled', updated_at: '2026-11-22T09:30:01.020Z' } },
  listRefunds: { answer: { object: 'list', data: [refund], next_cursor: null } },
}
