// Kernels of the codecs of KV frames, one table for each instruction set. Every variant computes the
// same bits as the scalar one.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spark_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// Numbers that share a scale, at most.
enum { SPARK_CODEC_GROUP = 64 };

// How a part of a frame is quantized: rows of `length` numbers, `stride` numbers apart, cut into
// groups of `group` (a row's last one may be shorter). Symbols lie row after row without gaps.
//
// With zeros, number = symbol * scale + zero, 0 <= symbol <= levels; without, number =
// (symbol - levels / 2) * scale. Parameters are f16: every group's scale in order, then every
// group's zero. Scales are rounded up and zeros down, so that no number is clipped.
typedef struct {
  size_t rows, length, stride, group;
  int32_t levels, element_bytes;  // element_bytes: 2 for f16, 4 for f32
  bool has_zeros;
} spark_quantizer;

typedef struct {
  const char *name;

  // Numbers beyond f16's finite range are taken to its ends, what is no number to 0.
  void (*quantize)(
    const spark_quantizer *q, const uint8_t *numbers, uint16_t *parameters, uint8_t *symbols);
  // Writes finite f16 (or f32 in f16's range) whatever the input, and zeros between the rows.
  void (*dequantize)(
    const spark_quantizer *q, const uint16_t *parameters, const uint8_t *symbols,
    uint8_t *numbers);

  // Byte b of each of `count` 16-bit numbers goes to planes + b * count; join is the inverse.
  void (*split2)(const uint8_t *numbers, size_t count, uint8_t *planes);
  void (*join2)(const uint8_t *planes, size_t count, uint8_t *numbers);
  // The same for 32-bit numbers.
  void (*split4)(const uint8_t *numbers, size_t count, uint8_t *planes);
  void (*join4)(const uint8_t *planes, size_t count, uint8_t *numbers);

  // Makes the bytes of rows of unlike size and sign alike. A byte is a sign above seven bits of
  // magnitude. A row's reference is its largest magnitude with the sign that most of it has; a byte
  // becomes twice its distance below that, plus one where the sign differs. restore is the inverse.
  void (*center)(size_t rows, size_t length, uint8_t *bytes, uint8_t *references);
  void (*restore)(size_t rows, size_t length, const uint8_t *references, uint8_t *bytes);
} spark_codec_kernels;

// The table for an instruction set, or null when this processor or build has none.
const spark_codec_kernels *spark_codec_kernels_for(spark_isa isa);

#ifdef __cplusplus
}
#endif
