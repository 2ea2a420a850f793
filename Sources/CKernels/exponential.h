// e^x in single precision, the same bits everywhere: no library call, fixed operations.
//
// Range reduction x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite's two-part ln 2), then the
// degree-6 Taylor polynomial of e^r, relative error below 3e-7 (W. J. Cody, W. Waite, Software
// Manual for the Elementary Functions, 1980). Below -87 the result is 0; above 88 it is e^88.
#pragma once
#include <math.h>
#include "half.h"

#define EXP_LOWEST -87.0f
#define EXP_HIGHEST 88.0f
#define EXP_LOG2E 1.44269504088896341f
#define EXP_MAGIC 12582912.0f  // 1.5 * 2^23: adding it rounds to an integer, ties to even
#define EXP_LN2_HIGH 0.693359375f
#define EXP_LN2_LOW -2.12194440e-4f

static inline float exponential(float x) {
#pragma clang fp contract(off)
  float bounded = x > EXP_HIGHEST ? EXP_HIGHEST : x > EXP_LOWEST ? x : EXP_LOWEST;
  float shifted = fmaf(bounded, EXP_LOG2E, EXP_MAGIC);
  float n = shifted - EXP_MAGIC;
  float r = fmaf(n, -EXP_LN2_LOW, fmaf(n, -EXP_LN2_HIGH, bounded));
  float p = 1.0f / 720;
  p = fmaf(p, r, 1.0f / 120);
  p = fmaf(p, r, 1.0f / 24);
  p = fmaf(p, r, 1.0f / 6);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  float scale = float_from_bits((bits_from_float(shifted) << 23) + 0x3f800000);
  return x < EXP_LOWEST ? 0.0f : p * scale;
}
