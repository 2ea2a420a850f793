// The codecs' kernels as plain loops, which the compiler vectorizes for whatever instruction set the
// including file has turned on. Additions and products are never contracted and no reduction depends
// on its order, so that every instruction set gives the same bits.
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

#define SPARK_CODEC_TABLE(NAME) \
  {.name = NAME, .split2 = split2, .join2 = join2, .split4 = split4, .join4 = join4}
