import { z } from 'zod'
import { secret } from './secret-field.ts'

/** How sure a fact about a network is: read in its own documentation, or seen in the code of who uses it. */
export type Confidence = 'documented' | 'seen'

type MtnEnvironment = { readonly currency: string; readonly callingCode: string; readonly confidence: Confidence }

/**
 * MTN's target environments: the currency of each and how its numbers begin. What is documented is held against the
 * configuration, since a payment in a wrong currency is refused by MTN one by one; what was only seen is advice.
 */
export const mtnEnvironments: Readonly<Record<string, MtnEnvironment>> = {
  sandbox: { currency: 'EUR', callingCode: '46', confidence: 'documented' },
  mtnuganda: { currency: 'UGX', callingCode: '256', confidence: 'documented' },
  mtnbenin: { currency: 'XOF', callingCode: '229', confidence: 'documented' },
  mtnghana: { currency: 'GHS', callingCode: '233', confidence: 'documented' },
  mtnivorycoast: { currency: 'XOF', callingCode: '225', confidence: 'documented' },
  mtnrwanda: { currency: 'RWF', callingCode: '250', confidence: 'documented' },
  mtncameroon: { currency: 'XAF', callingCode: '237', confidence: 'seen' },
  mtncongo: { currency: 'XAF', callingCode: '242', confidence: 'seen' },
  mtnguineaconakry: { currency: 'GNF', callingCode: '224', confidence: 'seen' },
  mtnliberia: { currency: 'LRD', callingCode: '231', confidence: 'seen' },
  mtnsouthafrica: { currency: 'ZAR', callingCode: '27', confidence: 'seen' },
  mtnswaziland: { currency: 'SZL', callingCode: '268', confidence: 'seen' },
  mtnzambia: { currency: 'ZMW', callingCode: '260', confidence: 'seen' },
}

const apiUser = secret(/^[0-9a-fA-F-]{36}$/, 'must be a UUID')
const key = secret(/^[\x21-\x7e]{8,256}$/, 'must be 8 to 256 printable characters')

/** MTN's second product, with credentials of its own: without them a network collects and does nothing else. */
export const mtnDisbursement = z.strictObject({
  subscriptionKey: key.optional(),
  apiUser: apiUser.optional(),
  apiKey: key.optional(),
  payBy: z.enum(['transfer', 'deposit'], { error: 'must be transfer or deposit' }).default('transfer')
    .describe('Which of MTN\'s calls pays out; your contract says.'),
  version: z.enum(['v1_0', 'v2_0'], { error: 'must be v1_0 or v2_0' }).default('v1_0')
    .describe('Of deposit and refund; MTN has two.'),
})
