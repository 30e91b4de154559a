// The entry point through which ONNX Runtime loads the library's ops into a session.
#include <initializer_list>

#include "ort-ops.h"

const flashvl::ort::Api* flashvl::ort::registered_api = nullptr;

using namespace flashvl::ort;

extern "C" __attribute__((visibility("default"))) Status* RegisterCustomOps(SessionOptions* options, const ApiBase* base) {
  const Api* api = base->get(kApiVersion);
  if (!api) return nullptr;  // older than 1.18: the session then names the missing op itself
  registered_api = api;
  // A domain must outlive its sessions, whose end is not announced here, so it is never released: some hundred bytes each.
  CustomOpDomain* domain = nullptr;
  const CustomOp* const ops[] = {blockwise_op(),    attention_op(),     cached_attention_op(), half_cached_attention_op(),
                                 block_maxima_op(), train_product_op()};
  Status* status = api->create_domain("flashvl", &domain);
  for (const CustomOp* op : ops)
    if (!status) status = api->add_op(domain, op);
  for (const auto more : {train_attention_ops, train_row_ops}) {
    size_t count = 0;
    const CustomOp* const* list = more(&count);
    for (size_t i = 0; !status && i < count; ++i) status = api->add_op(domain, list[i]);
  }
  return status ? status : api->add_domain(options, domain);
}
