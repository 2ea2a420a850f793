// The codecs' kernels as plain loops, which the compiler vectorizes for whatever instruction set the
// including file has turned on. No reduction depends on its order and no sum of products is rounded
// twice, so that every instruction set gives the same bits.
//
// The including file has defined, over arrays that it may read and write to a multiple of 16:
//   void widen(const uint16_t *halves, size_t count, float *to)
//   void narrow(const float *from, size_t count, uint16_t *halves)
#include <string.h>

#include "half.h"
#include "spark_codec.h"

#pragma clang fp contract(off)

static void split2(const uint8_t *restrict numbers, size_t count, uint8_t *restrict planes) {
  for (size_t i = 0; i < count; i++) {
    planes[i] = numbers[2 * i];
    planes[count + i] = numbers[2 * i + 1];
  }
}

static void join2(const uint8_t *restrict planes, size_t count, uint8_t *restrict numbers) {
  for (size_t i = 0; i < count; i++) {
    numbers[2 * i] = planes[i];
    numbers[2 * i + 1] = planes[count + i];
  }
}

static void split4(const uint8_t *restrict numbers, size_t count, uint8_t *restrict planes) {
  for (size_t i = 0; i < count; i++) {
    for (size_t b = 0; b < 4; b++) planes[b * count + i] = numbers[4 * i + b];
  }
}

static void join4(const uint8_t *restrict planes, size_t count, uint8_t *restrict numbers) {
  for (size_t i = 0; i < count; i++) {
    for (size_t b = 0; b < 4; b++) numbers[4 * i + b] = planes[b * count + i];
  }
}

static void center(
  size_t rows, size_t length, uint8_t *restrict bytes, uint8_t *restrict references
) {
  for (size_t row = 0; row < rows; row++, bytes += length) {
    uint8_t largest = 0;
    uint32_t negative = 0;
    for (size_t i = 0; i < length; i++) {
      uint8_t magnitude = bytes[i] & 0x7f;
      largest = magnitude > largest ? magnitude : largest;
      negative += bytes[i] >> 7;
    }
    uint8_t reference = largest | (2 * (size_t)negative > length ? 0x80 : 0);
    references[row] = reference;
    for (size_t i = 0; i < length; i++) {
      uint8_t below = (uint8_t)(largest - (bytes[i] & 0x7f));
      bytes[i] = (uint8_t)(below << 1 | (bytes[i] ^ reference) >> 7);
    }
  }
}

static void restore(
  size_t rows, size_t length, const uint8_t *restrict references, uint8_t *restrict bytes
) {
  for (size_t row = 0; row < rows; row++, bytes += length) {
    uint8_t reference = references[row];
    for (size_t i = 0; i < length; i++) {
      uint8_t magnitude = (uint8_t)(reference - (bytes[i] >> 1)) & 0x7f;
      bytes[i] = magnitude | (uint8_t)((bytes[i] << 7 ^ reference) & 0x80);
    }
  }
}

static inline float limited(float x, float limit) {
  // Written so that what is no number becomes one.
  x = x < limit ? x : limit;
  return x > -limit ? x : -limit;
}

// The f16 nearest to x among those not below it (x >= 0) or, negated, not above it.
static inline uint16_t half_above(float x) {
  uint16_t half = half_from_float(x);
  return float_from_half(half) < x ? half + 1 : half;
}
static inline uint16_t half_below(float x) {
  uint16_t half = half_from_float(x);
  if (!(float_from_half(half) > x)) return half;
  if ((half & 0x7fff) == 0) return 0x8001;
  return half & 0x8000 ? half + 1 : half - 1;
}

// `count` numbers of a group as floats, all finite.
static inline void load_group(
  const uint8_t *numbers, size_t count, int32_t element_bytes, float *x
) {
  if (element_bytes == 2) {
    uint16_t halves[SPARK_CODEC_GROUP];
    memcpy(halves, numbers, count * sizeof *halves);
    widen(halves, count, x);
  } else {
    memcpy(x, numbers, count * sizeof *x);
  }
  for (size_t i = 0; i < count; i++) {
    float number = x[i] == x[i] ? x[i] : 0;
    x[i] = limited(number, 65504);
  }
}

static inline void store_group(
  const float *x, size_t count, int32_t element_bytes, uint8_t *numbers
) {
  if (element_bytes == 2) {
    uint16_t halves[SPARK_CODEC_GROUP];
    narrow(x, count, halves);
    memcpy(numbers, halves, count * sizeof *halves);
  } else {
    memcpy(numbers, x, count * sizeof *x);
  }
}

// symbols = nearest integers to (x - zero) / scale, ties to even, in 0...levels.
static inline void round_group(
  const float *x, size_t count, float zero, float inverse, float levels, uint8_t *symbols
) {
  for (size_t i = 0; i < count; i++) {
    float steps = (x[i] - zero) * inverse;
    steps = steps > 0 ? steps : 0;
    steps = steps < levels ? steps : levels;
    // Adding 2^23 leaves the rounded integer in the low bits.
    symbols[i] = (uint8_t)bits_from_float(steps + 0x1p23f);
  }
}

static void quantize(
  const spark_quantizer *q, const uint8_t *numbers, uint16_t *parameters, uint8_t *symbols
) {
  size_t groups = (q->length + q->group - 1) / q->group, all = q->rows * groups;
  float levels = (float)q->levels, x[SPARK_CODEC_GROUP] = {0};
  for (size_t row = 0; row < q->rows; row++) {
    const uint8_t *from = numbers + row * q->stride * (size_t)q->element_bytes;
    for (size_t g = 0; g < groups; g++) {
      size_t begin = g * q->group, at = row * groups + g;
      size_t count = begin + q->group <= q->length ? q->group : q->length - begin;
      load_group(from + begin * (size_t)q->element_bytes, count, q->element_bytes, x);
      float low = x[0], high = x[0];
      for (size_t i = 1; i < count; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
      }
      float zero, range;
      if (q->has_zeros) {
        // Which of two zeros is the least depends on the order; adding one leaves the positive.
        uint16_t half = half_below(low + 0.0f);
        parameters[all + at] = half;
        zero = float_from_half(half);
        range = high - zero;
      } else {
        float largest = high > -low ? high : -low;
        zero = 0;
        range = largest + largest;
      }
      uint16_t half = half_above(range / levels + 0.0f);
      parameters[at] = half;
      float scale = float_from_half(half);
      if (!q->has_zeros) zero = -(levels / 2) * scale;
      round_group(x, count, zero, scale > 0 ? 1 / scale : 0, levels, symbols);
      symbols += count;
    }
  }
}

static void dequantize(
  const spark_quantizer *q, const uint16_t *parameters, const uint8_t *symbols,
  uint8_t *numbers
) {
  size_t groups = (q->length + q->group - 1) / q->group, all = q->rows * groups;
  size_t element_bytes = (size_t)q->element_bytes;
  float x[SPARK_CODEC_GROUP] = {0};
  for (size_t row = 0; row < q->rows; row++) {
    uint8_t *to = numbers + row * q->stride * element_bytes;
    for (size_t g = 0; g < groups; g++) {
      size_t begin = g * q->group, at = row * groups + g;
      size_t count = begin + q->group <= q->length ? q->group : q->length - begin;
      float scale = float_from_half(parameters[at]);
      float zero = q->has_zeros ? float_from_half(parameters[all + at])
                                : -(float)(q->levels / 2) * scale;
      // A symbol times a scale is exact in 19 bits: fused or not, the sum is rounded once.
      for (size_t i = 0; i < count; i++) x[i] = limited((float)symbols[i] * scale + zero, 65504);
      store_group(x, count, q->element_bytes, to + begin * element_bytes);
      symbols += count;
    }
    memset(to + q->length * element_bytes, 0, (q->stride - q->length) * element_bytes);
  }
}

#define SPARK_CODEC_TABLE(NAME)                                                             \
  {                                                                                         \
    .name = NAME, .quantize = quantize, .dequantize = dequantize, .split2 = split2,         \
    .join2 = join2, .split4 = split4, .join4 = join4, .center = center, .restore = restore  \
  }
