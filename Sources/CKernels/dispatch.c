#include "tables.h"

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
#endif
    default: return NULL;
  }
}

spark_isa spark_best_isa(void) {
  if (spark_kernels_for(SPARK_ISA_AVX512)) return SPARK_ISA_AVX512;
  if (spark_kernels_for(SPARK_ISA_AVX2)) return SPARK_ISA_AVX2;
  return SPARK_ISA_SCALAR;
}
