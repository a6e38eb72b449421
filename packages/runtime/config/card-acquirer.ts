import { z } from 'zod'
import { secret } from './secret-field.ts'

const origin = z.string().max(267).refine((text) => /^https?:\/\//.test(text) && URL.parse(text)?.origin === text, 'must be an origin, such as https://3ds.acquirer.example')

/** What is a card acquirer's own of a network. */
export const cardAcquirer = z.strictObject({
  account: secret(/^[\x21-\x7e]{4,128}$/, 'must be 4 to 128 printable characters').optional().describe('The merchant account at the acquirer.'),
  secret: secret(/^[\x21-\x7e]{32,256}$/, 'must be 32 to 256 printable characters').optional().describe('What calls and callbacks are signed with.'),
  challengeOrigins: z.array(origin).min(1, 'must be at least one').max(16, 'must be at most 16').optional()
    .describe('Origins of the pages that payers are sent to; the acquirer\'s own where it is left out.'),
})
