import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { paymentStatesDocument } from './payment-states-document.ts'

writeFileSync(join(import.meta.dirname, '..', 'docs', 'payment-states.md'), paymentStatesDocument())
