#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tables.h"

#if defined(__x86_64__)
// Whether the system lets this process use the matrix unit: its registers are large, so Linux wants to be
// asked (Documentation/arch/x86/xstate.rst).
static bool may_use_amx(void) {
#if defined(__linux__)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return false;
#endif
}
#endif

bool spark_processor_has_amx(void) {
#if defined(__x86_64__)
  return spark_kernels_for(SPARK_ISA_AVX512) && __builtin_cpu_supports("amx-tile") &&
    __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("amx-bf16") &&
    __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi");
#else
  return false;
#endif
}

const spark_kernels *spark_kernels_for(spark_isa isa) {
  switch (isa) {
    case SPARK_ISA_SCALAR: return &spark_scalar_kernels;
#if defined(__x86_64__)
    case SPARK_ISA_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
          __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2")
        ? &spark_avx2_kernels
        : NULL;
    case SPARK_ISA_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("avx512vnni")
        ? &spark_avx512_kernels
        : NULL;
    case SPARK_ISA_AMX:
      return spark_processor_has_amx() && may_use_amx() ? &spark_amx_kernels : NULL;
#endif
    default: return NULL;
  }
}

bool spark_attends_with_tiles(const spark_kernels *kernels, int32_t d) {
  return kernels->attend_tiles && d % 32 == 0 && d <= 256;
}

spark_isa spark_best_isa(void) {
  if (spark_kernels_for(SPARK_ISA_AMX)) return SPARK_ISA_AMX;
  if (spark_kernels_for(SPARK_ISA_AVX512)) return SPARK_ISA_AVX512;
  if (spark_kernels_for(SPARK_ISA_AVX2)) return SPARK_ISA_AVX2;
  return SPARK_ISA_SCALAR;
}
