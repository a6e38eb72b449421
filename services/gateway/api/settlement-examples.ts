const settlement = {
  id: 'stl_01k8z3f7q2e9d8m4n6p0r5s7tv', object: 'settlement', world: 'test', status: 'paid', amount: '1200.50', currency: 'EUR', day: '2025-11-20',
  bank_reference: 'FT25325XK7', failure: null, created_at: '2025-11-21T00:02:10.000Z', updated_at: '2025-11-21T09:30:00.000Z',
}

/** Examples of what is paid to a merchant's bank. */
export const settlementExamples = {
  getSettlement: { answer: settlement },
  listSettlements: { answer: { object: 'list', data: [settlement], next_cursor: null } },
}
