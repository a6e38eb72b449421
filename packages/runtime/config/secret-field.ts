import { Secret } from '@ngome/kernel'
import { z } from 'zod'

/** Marks a field that is a secret: never in a file that others read, always a {@link Secret} after parsing. */
export const secretMark = 'ngome-secret'

export const secret = (is: RegExp | ((text: string) => boolean), error: string) =>
  z.string().refine((text) => (typeof is === 'function' ? is(text) : is.test(text)), error)
    .transform((text) => new Secret(text)).meta({ [secretMark]: true })
