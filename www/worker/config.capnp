# Serves the Worker with plain workerd, as it is deployed: build the package, put a model beside it, then
#   cp models/breast_cancer-1.0.0.hedge www/worker/model.hedge
#   npx workerd serve www/worker/config.capnp
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ (name = "predict", worker = .predict) ],
  sockets = [ (name = "http", address = "127.0.0.1:8787", http = (), service = "predict") ]
);

const predict :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "model.hedge", data = embed "model.hedge"),
    # workerd knows no packages, so each file of this one is named. A bundler (wrangler) needs none of this.
    (name = "hedgerow", esModule = "export { load } from './hedgerow/workerd.js';"),
    (name = "hedgerow/workerd.js", esModule = embed "../../build/package/workerd.js"),
    (name = "hedgerow/pool.js", esModule = embed "../../build/package/pool.js"),
    (name = "hedgerow/hedgerow_bg.wasm", wasm = embed "../../build/package/hedgerow_bg.wasm"),
  ]
);
