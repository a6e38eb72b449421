import type { Currency } from '@ngome/kernel'
import { z } from 'zod'
import { secret } from './secret-field.ts'

/**
 * The countries of Airtel Money with what they settle in and how their numbers begin. Seen in implementers' code and in
 * Airtel's own lists of countries; a country that is missing here is added here.
 */
export const airtelCountries: Readonly<Record<string, { readonly currencies: readonly Currency[]; readonly callingCode: string }>> = {
  CD: { currencies: ['CDF', 'USD'], callingCode: '243' },
  CG: { currencies: ['XAF'], callingCode: '242' },
  GA: { currencies: ['XAF'], callingCode: '241' },
  KE: { currencies: ['KES'], callingCode: '254' },
  MG: { currencies: ['MGA'], callingCode: '261' },
  MW: { currencies: ['MWK'], callingCode: '265' },
  NE: { currencies: ['XOF'], callingCode: '227' },
  NG: { currencies: ['NGN'], callingCode: '234' },
  RW: { currencies: ['RWF'], callingCode: '250' },
  SC: { currencies: ['SCR'], callingCode: '248' },
  TD: { currencies: ['XAF'], callingCode: '235' },
  TZ: { currencies: ['TZS'], callingCode: '255' },
  UG: { currencies: ['UGX'], callingCode: '256' },
  ZM: { currencies: ['ZMW'], callingCode: '260' },
}

/** Three minutes, as implementers were told: earlier its "not found" is not final. */
export const airtelSettleAfterSMin = 180

const printable = /^[\x21-\x7e]{8,256}$/
const key = /^[A-Za-z0-9+/]{64,4096}={0,2}$/

/** What is Airtel Money's own of a network; what differs between countries is here and not in the code. */
export const airtelMoney = z.strictObject({
  country: z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166 code of two letters').describe('Airtel\'s country.'),
  signsMessages: z.boolean().default(true).describe('Whether requests that move money are signed, as most countries want.'),
  messageKeySha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal').optional()
    .describe('Of Airtel\'s key for messages (DER): another key is not used. Without it, whatever key Airtel shows.'),
  pinScheme: z.enum(['rsa-oaep-sha256', 'rsa-pkcs1'], { error: 'must be rsa-oaep-sha256 or rsa-pkcs1' }).default('rsa-oaep-sha256')
    .describe('How the PIN of a payout is encrypted.'),
  namesCallback: z.boolean().default(false)
    .describe('Whether requests name their callback\'s address (the simulator); else Airtel calls the one in its portal.'),
  clientId: secret(printable, 'must be 8 to 256 printable characters').optional(),
  clientSecret: secret(printable, 'must be 8 to 256 printable characters').optional(),
  callbackKey: secret(printable, 'must be 8 to 256 printable characters').optional()
    .describe('The portal\'s key of the callbacks\' hash; without it a callback claims nothing.'),
  pin: secret(/^[0-9]{4,8}$/, 'must be 4 to 8 digits').optional().describe('The PIN of payouts; without it there are none.'),
  pinKey: secret(key, 'must be the portal\'s public key for PINs, base64').optional(),
})
export type AirtelMoneyConfig = z.output<typeof airtelMoney>
