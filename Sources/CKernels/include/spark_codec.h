// Kernels of the codecs of KV frames, one table for each instruction set. Every variant computes the
// same bits as the scalar one.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "spark_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *name;

  // Byte b of each of `count` 16-bit numbers goes to planes + b * count; join is the inverse.
  void (*split2)(const uint8_t *numbers, size_t count, uint8_t *planes);
  void (*join2)(const uint8_t *planes, size_t count, uint8_t *numbers);
  // The same for 32-bit numbers.
  void (*split4)(const uint8_t *numbers, size_t count, uint8_t *planes);
  void (*join4)(const uint8_t *planes, size_t count, uint8_t *numbers);
} spark_codec_kernels;

// The table for an instruction set, or null when this processor or build has none.
const spark_codec_kernels *spark_codec_kernels_for(spark_isa isa);

#ifdef __cplusplus
}
#endif
