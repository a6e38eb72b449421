import { spkiPinSchema } from '@ngome/contracts'
import { z } from 'zod'
import { acme } from './acme.ts'

const path = z.string().min(1, 'must name a file').max(1024)
const hostPort = z.string().regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}$/, 'must be host:port in lower case')

/** Where the certificate of the public API comes from, and how its posture is watched. */
export const publicTls = z.strictObject({
  certificatePath: path.optional()
    .describe('The operator\'s own certificate chain, PEM, leaf first; without it the platform\'s authority issues one.'),
  keyPath: path.optional().describe('The key of that certificate, PEM; nobody but the gateway may read it.'),
  acme: acme.optional()
    .describe('Have a certificate authority issue it by ACME, in the place of files of your own.'),
  rootsPath: path.optional().describe('Roots (PEM) that clients of the public API trust beside the public ones.'),
  watched: z.array(hostPort).min(1).max(32).optional()
    .describe('host:port at which clients reach the public API; each public name at the gateway\'s port where it is left out.'),
  checkEveryS: z.int().min(60, 'must be at least 60 s: a look takes twenty handshakes')
    .max(86_400, 'must be at most 86400 s: K3 asks for a regular look').default(3_600)
    .describe('How often each public address is looked at.'),
  plannedRootChange: z.strictObject({
    date: z.iso.date('must be a date, such as 2027-03-01').describe('The day of the change.'),
    pin: spkiPinSchema.describe('SHA-256 of the new root\'s public key, base64.'),
  }).optional().describe('A change of the root that providers and merchants must hear of a month before.'),
}).superRefine(({ certificatePath, keyPath, acme: order }, context) => {
  if ((certificatePath === undefined) !== (keyPath === undefined)) {
    context.addIssue({ code: 'custom', path: ['keyPath'], message: 'must be given together with certificatePath: they are a pair' })
  }
  if (order !== undefined && certificatePath !== undefined) {
    context.addIssue({ code: 'custom', path: ['acme'], message: 'must stand alone: remove certificatePath and keyPath' })
  }
})
