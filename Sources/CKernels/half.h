// Conversions between 16-bit and 32-bit floats that need no instruction-set support.
#pragma once
#include <stdint.h>
#include <string.h>

static inline float float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t bits_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// IEEE 754 binary16 to binary32, exact.
static inline float float_from_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
  if (exponent == 0x1f) return float_from_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    float magnitude = (float)fraction * 0x1p-24f;
    return float_from_bits(sign | bits_from_float(magnitude));
  }
  return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

// binary32 to binary16, to nearest, ties to even, as the F16C instructions do.
static inline uint16_t half_from_float(float value) {
  uint32_t bits = bits_from_float(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | (uint16_t)(magnitude >> 13 & 0x3ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to infinity
  if (magnitude < 0x38800000) {                       // subnormal: round to a multiple of 2^-24
    float steps = float_from_bits(magnitude) * 0x1p24f + 8388608.0f;
    return sign | (uint16_t)(bits_from_float(steps) & 0x7ff);
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return sign | (uint16_t)((rounded - (112u << 23)) >> 13);
}

static inline float float_from_bfloat(uint16_t value) {
  return float_from_bits((uint32_t)value << 16);
}
