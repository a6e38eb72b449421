import { declareConformance } from '../testing/conformance.ts'
import { mtnMomoUnderTest } from './testing/under-test.ts'

declareConformance(mtnMomoUnderTest)
