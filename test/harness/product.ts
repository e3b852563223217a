/**
 * Every actor of the product, as the simulator runs it: the very definitions that `bootstrap`
 * starts on threads, and the same catalogue.
 *
 * A folder of src/actors that is missing here fails test/unit/kernel/product.test.ts.
 */
import { api } from '../../src/actors/api/actor.ts'
import { cluster } from '../../src/actors/cluster/actor.ts'
import { dns } from '../../src/actors/dns/actor.ts'
import { engine } from '../../src/actors/engine/actor.ts'
import { gossip } from '../../src/actors/gossip/actor.ts'
import { latency } from '../../src/actors/latency/actor.ts'
import { prober } from '../../src/actors/prober/actor.ts'
import { registry } from '../../src/actors/registry/actor.ts'
import { signer } from '../../src/actors/signer/actor.ts'
import { shell } from '../../src/actors/shell/actor.ts'
import { vitals } from '../../src/actors/vitals/actor.ts'

export { catalogue as productCatalogue } from '../../src/messages/catalogue.ts'

export const productActors = {
  ...{ dns, registry, prober, gossip, latency, api, shell, signer, vitals },
  ...{ cluster, engine },
} as const
