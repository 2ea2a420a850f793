// The codecs' kernels for AVX-512.
#if defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "spark_codec.h"

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2"))), \
  apply_to = function)

#include "codec_loops.h"

extern const spark_codec_kernels spark_avx512_codec_kernels;
const spark_codec_kernels spark_avx512_codec_kernels = SPARK_CODEC_TABLE("avx512");

#pragma clang attribute pop
#endif
