// Chooses an instruction set from what the processor says, or by name.
#include <string.h>

#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace flashvl {
namespace {

struct Level {
  const char* name;
  bool supported;
  const KernelTable* (*table)();
};

#if defined(__x86_64__)
// Asked directly: not every compiler's __builtin_cpu_supports knows these two. The wide registers they use are checked by it.
bool has_half_floats() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);  // F16C
}
bool has_bfloat16() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);  // AVX512_BF16
}
#endif

#if defined(__aarch64__)
bool has_dot_product() {
#if defined(__APPLE__)
  return true;  // every Apple silicon
#else
  constexpr unsigned long kAsimdDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & kAsimdDotProduct) != 0;
#endif
}
#endif

}  // namespace

const KernelTable* select_kernels(const char* name, const char** message) {
  const Level levels[] = {
#if defined(__x86_64__)
      {"avx512", __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"), avx512_kernels},
      {"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_half_floats(), avx2_kernels},
#elif defined(__aarch64__)
      {"neon", has_dot_product(), neon_kernels},
#endif
      {"portable", true, portable_kernels},
  };
  if (!name || !*name) {
    for (const Level& level : levels)
      if (level.supported) return level.table();
  }
  for (const Level& level : levels) {
    if (strcmp(level.name, name)) continue;
    if (level.supported) return level.table();
    *message = "FLASHVL_KERNEL names an instruction set that this processor lacks; unset it to let the library choose";
    return nullptr;
  }
  *message = "FLASHVL_KERNEL must be avx512, avx2, neon or portable (those of this processor's family), or unset";
  return nullptr;
}

const AttentionKernels* half_precision_attention(const KernelTable& table) {
#if defined(__x86_64__)
  if (&table == avx512_kernels() && has_bfloat16()) return avx512_bf16_attention();
#endif
  (void)table;
  return nullptr;
}

}  // namespace flashvl
