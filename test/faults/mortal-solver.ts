/**
 * Preloaded into every thread of a gateway: whoever imports the solver gets one that, when a plan is to be solved, meets
 * the fate that stands in the file `SOLVER_FATE` names. Everything else of the gateway is as shipped.
 */
import { registerHooks } from "node:module";

const MORTAL = new URL("./mortal-highs.ts", import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "highs" && context.parentURL !== MORTAL) return { url: MORTAL, shortCircuit: true };
    return next(specifier, context);
  },
});
