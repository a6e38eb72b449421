/** Airtel's states of a transaction. */
export type Status = 'TS' | 'TF' | 'TE' | 'TA' | 'TIP' | 'TR'
export type Product = 'collection' | 'disbursement'
/** When a state comes: at once, after the payer's usual time, late, or when the payer's time is over. */
export type When = 'soon' | 'delayed' | 'expiry'
export type Step = { readonly when: When; readonly status: Status; readonly code: string }

/** What a number does: the request is answered with a refusal, or taken and goes through steps. */
export type Behaviour =
  | { readonly kind: 'taken'; readonly steps: readonly Step[]; readonly answerCode?: string }
  | { readonly kind: 'refused'; readonly refusal: 'router' | 'bus' | 'envelope'; readonly code: string }

const through = (...steps: readonly (readonly [Status, string, When?])[]): Behaviour => ({
  kind: 'taken', steps: steps.map(([status, code, when = 'soon']) => ({ status, code, when })),
})
const succeeds = { collection: through(['TS', 'DP00800001001']), disbursement: through(['TS', 'DP00900001001']) } as const

/**
 * The last two digits of 7000000NN. Airtel documents no test numbers: these are ours, after MTN's, one for each code that
 * is documented and each state.
 */
const numbers: Readonly<Record<Product, Readonly<Record<string, Behaviour>>>> = {
  collection: {
    '50': through(['TF', 'DP00800001007']),
    '51': through(['TF', 'DP00800001008']),
    '52': through(['TE', 'DP00800001029']),
    '53': through(['TE', 'DP00800001029', 'expiry']),
    '54': through(['TS', 'DP00800001001', 'delayed']),
    '55': through(['TF', 'DP00800001010']),
    '56': through(['TF', 'DP00800001002']),
    '57': through(['TF', 'DP00800001003']),
    '58': through(['TF', 'DP00800001005']),
    '59': through(['TF', 'DP00800001009']),
    '60': through(['TF', 'DP00800001004']),
    '61': through(['TA', 'DP00800001000'], ['TS', 'DP00800001001', 'delayed']),
    '62': through(['TA', 'DP00800001000'], ['TF', 'DP00800001007', 'delayed']),
    '63': through(['TA', 'DP00800001000']),
    '64': through(['TS', 'DP00800001001'], ['TR', 'DP00800001001', 'delayed']),
    '65': { kind: 'refused', refusal: 'bus', code: 'ESB000008' },
    '66': { kind: 'refused', refusal: 'router', code: 'ROUTER001' },
    '67': { kind: 'taken', steps: [{ when: 'soon', status: 'TS', code: 'DP00800001001' }], answerCode: 'DP00800001024' },
    '68': through(['TF', 'DP00800001010']),
    '69': through(['TF', 'DP00800001024']),
  },
  disbursement: {
    '50': through(['TF', 'DP00900001007']),
    '51': through(['TF', 'DP00900001013']),
    '52': through(['TF', 'DP00900001012']),
    '53': through(['TF', 'DP00900001005', 'expiry']),
    '54': through(['TS', 'DP00900001001', 'delayed']),
    '55': through(['TF', 'DP00900001009']),
    '56': through(['TF', 'DP00900001010']),
    '57': through(['TF', 'DP00900001003']),
    '58': through(['TF', 'DP00900001019']),
    '59': through(['TF', 'DP00900001005']),
    '60': through(['TF', 'DP00900001004']),
    '61': through(['TA', 'DP00900001000'], ['TS', 'DP00900001001', 'delayed']),
    '62': through(['TA', 'DP00900001000'], ['TF', 'DP00900001005', 'delayed']),
    '63': through(['TA', 'DP00900001000']),
    '64': through(['TS', 'DP00900001001'], ['TR', 'DP00900001001', 'delayed']),
    '65': { kind: 'refused', refusal: 'bus', code: 'ESB000008' },
    '66': { kind: 'refused', refusal: 'router', code: 'ROUTER001' },
    '67': { kind: 'taken', steps: [{ when: 'soon', status: 'TS', code: 'DP00900001001' }], answerCode: 'DP00900001014' },
    '68': { kind: 'refused', refusal: 'envelope', code: 'DP00900001019' },
  },
}

/** Whose payments are never given back. */
const refundRefused = '70'
/** Whose payments are given back late. */
const refundDelayed = '71'

export function behaviourOf(product: Product, msisdn: string): Behaviour {
  return numbers[product][testNumber(msisdn) ?? ''] ?? succeeds[product]
}

/** A refund is done before it is answered, unless its payer's number says otherwise. */
export function refundOf(msisdn: string): 'refused' | 'at_once' | When {
  const number = testNumber(msisdn)
  return number === refundRefused ? 'refused' : number === refundDelayed ? 'delayed' : 'at_once'
}

/** What is known of a number's account. */
export function holderOf(msisdn: string): 'active' | 'barred' | 'unknown' {
  const number = testNumber(msisdn)
  return number === '55' || number === '52' ? 'unknown' : number === '68' ? 'barred' : 'active'
}

function testNumber(msisdn: string): string | undefined {
  return /^7000000([0-9]{2})$/.exec(msisdn)?.[1]
}
