import { isIP } from 'node:net'
import { z } from 'zod'
import { secret } from './secret-field.ts'

const name = z.string().max(253).refine(
  (text) => isIP(text) !== 0 || /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text),
  'must be a name in lower case, without a wildcard: those cannot be shown over HTTP',
)

const isDirectoryUrl = (text: string) => {
  const url = URL.parse(text)
  return url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === ''
}

/** A public certificate by ACME (RFC 8555), with challenges over HTTP. */
export const acme = z.strictObject({
  directoryUrl: z.string().max(1_024).refine(isDirectoryUrl, 'must be an https address without user or fragment')
    .describe('The directory of the certificate authority (RFC 8555 section 7.1.1).'),
  termsAgreed: z.boolean().refine((agreed) => agreed, 'must be true: read the authority\'s terms of service and agree to them')
    .describe('That you agree to the authority\'s terms of service.'),
  contact: z.array(z.string().regex(/^mailto:[^\s@,?]{1,64}@[^\s@,?]{1,190}$/, 'must be mailto:somebody@example.com')).max(4).default([])
    .describe('Whom the authority writes to, as mailto: addresses.'),
  names: z.array(name).min(1).max(32).optional()
    .describe('Names in the certificate; gateway.publicNames where it is left out.'),
  externalAccount: z.strictObject({
    keyId: z.string().regex(/^[\x21-\x7e]{1,256}$/, 'must be the key identifier that the authority gave you'),
    macKey: secret(/^[A-Za-z0-9_-]{22,344}$/, 'must be the key that the authority gave you, base64url').optional()
      .describe('Only the dispatcher gets it.'),
  }).optional().describe('Which account of yours the authority binds this to (RFC 8555 section 7.3.4).'),
  listen: z.string().regex(/^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}$/, 'must be address:port')
    .default('0.0.0.0:80').describe('Where the gateway answers challenges over plain HTTP; the authority asks at port 80.'),
  authorityPath: z.string().min(1, 'must name a file').max(1_024).optional()
    .describe('Certificate (PEM) of the authority that a private directory\'s own HTTPS is trusted by.'),
})
export type AcmeSettings = z.output<typeof acme>
