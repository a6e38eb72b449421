import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildSdk } from './sdk/build.ts'

// `npm run build:sdk [FOLDER]`: builds the SDK, ready for `npm pack` or `npm publish`.
const [folder = join(import.meta.dirname, '..', 'dist', 'sdk')] = process.argv.slice(2)
rmSync(folder, { recursive: true, force: true })
buildSdk(folder)
console.log(`built into ${folder}`)
