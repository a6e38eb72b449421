import { en } from './en.ts'
import { fr } from './fr.ts'
import { lg } from './lg.ts'
import type { Language, Messages } from './messages.ts'
import { sw } from './sw.ts'

export const messages: Readonly<Record<Language, Messages>> = { en, fr, sw, lg }
