#!/usr/bin/env node
import { bootstrap } from './bootstrap.js'

await bootstrap('cli/main.ts', process.argv.slice(2))
