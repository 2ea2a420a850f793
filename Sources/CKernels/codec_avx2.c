// The codecs' kernels for AVX2 with F16C.
#if defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "spark_codec.h"

#pragma clang attribute push( \
  __attribute__((target("avx2,fma,f16c,bmi2"))), apply_to = function)

#include "codec_loops.h"

extern const spark_codec_kernels spark_avx2_codec_kernels;
const spark_codec_kernels spark_avx2_codec_kernels = SPARK_CODEC_TABLE("avx2");

#pragma clang attribute pop
#endif
