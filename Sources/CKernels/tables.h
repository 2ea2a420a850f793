// The variants, each defined by its own file.
#pragma once
#include "spark_kernels.h"

// A group of activations whose largest is smaller is a group of zeros: its reciprocal overflows.
#define SMALLEST_GROUP 1e-35f

// Keys and values are stored as finite numbers, so that one token's overflow cannot reach another:
// what a query does not see is multiplied by zero.
#define LARGEST_HALF 65504.0f

extern const spark_kernels spark_scalar_kernels;
#if defined(__x86_64__)
extern const spark_kernels spark_avx2_kernels;
extern const spark_kernels spark_avx512_kernels;
extern const spark_kernels spark_amx_kernels;
#endif

// The table of the functions of the including file; those that multiply quantized weights are PREFIX_type.
#define SPARK_KERNEL_TABLE_WITH(NAME, PREFIX, ...)                                             \
  {                                                                                            \
    .name = NAME,                                                                              \
    .multiply =                                                                                \
      {[SPARK_F32] = multiply_f32, [SPARK_F16] = multiply_f16, [SPARK_BF16] = multiply_bf16,   \
       [SPARK_Q8_0] = PREFIX##_q8_0, [SPARK_Q4_0] = PREFIX##_q4_0,                             \
       [SPARK_Q4_1] = PREFIX##_q4_1, [SPARK_Q5_0] = PREFIX##_q5_0,                             \
       [SPARK_Q5_1] = PREFIX##_q5_1, [SPARK_Q4_K] = PREFIX##_q4_k,                             \
       [SPARK_Q5_K] = PREFIX##_q5_k, [SPARK_Q6_K] = PREFIX##_q6_k},                            \
    .quantize = quantize, .rms_norm = rms_norm, .swiglu = swiglu, .rotate = rotate,            \
    .store_kv = store_kv, .attend = attend, .score_panel = score_panel, __VA_ARGS__            \
  }
#define SPARK_KERNEL_TABLE(NAME) SPARK_KERNEL_TABLE_WITH(NAME, multiply)
