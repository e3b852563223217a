/** `defineActor` for the product's own catalogue. */
import { actorsOf } from '../kernel/actor.ts'
import type { ProductCatalogue } from '../messages/catalogue.ts'

export const defineActor = actorsOf<ProductCatalogue>()
