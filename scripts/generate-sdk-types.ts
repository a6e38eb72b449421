import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiVersion, openApiDocument } from '../services/gateway/api/openapi.ts'
import { apiFiles } from './sdk/api-types.ts'

// `npm run generate:sdk`: writes what the SDK knows of the API after an operation was added or changed.
const folder = join(import.meta.dirname, '..', 'packages', 'sdk', 'api')
for (const [name, text] of Object.entries(apiFiles(openApiDocument(apiVersion)))) writeFileSync(join(folder, name), text)
