// What a machine can do at most: reading memory, and products whose operands are in the nearest cache.
// Kernels are held against it.
#pragma once

#include "spark_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// Kinds of numbers that are multiplied; sums are 32-bit integers for bytes, else 32-bit floats.
typedef enum {
  SPARK_PEAK_BYTES = 0,   // signed a, unsigned b below 128
  SPARK_PEAK_BFLOATS = 1,
  SPARK_PEAK_FLOATS = 2,
  SPARK_PEAK_END = 3,
} spark_peak;

// The product that is repeated: a is [32 rows][512 bytes], b is [128 words][32 columns][4 bytes], a word being
// four bytes, two bfloats or one float, and out is [32 rows][32 columns] of 4 bytes. All are 64-byte aligned.
enum { SPARK_PEAK_SIDE = 32, SPARK_PEAK_WORDS = 128 };

typedef struct {
  // The exclusive or of the 64-bit words of `bytes` bytes, a multiple of 256 at a 64-byte aligned address.
  uint64_t (*read)(const void *memory, size_t bytes);
  // out = times * a * b, added up `times` times; null where the instruction set or processor has no such unit.
  void (*multiply[SPARK_PEAK_END])(const void *a, const void *b, size_t times, void *out);
} spark_limits;

// Fills in the functions of an instruction set; false where this processor or build does not have it.
bool spark_limits_for(spark_isa isa, spark_limits *limits);

// Reads `bytes` bytes, a multiple of 256 at a 64-byte aligned address, once, with all threads, and returns the
// exclusive or of their 64-bit words.
uint64_t spark_read_memory(
  spark_pool *pool, const spark_limits *limits, const void *memory, size_t bytes);

// Computes `blocks` products, each `times` times, with all threads, and lets the results go.
void spark_repeat_product(
  spark_pool *pool, const spark_limits *limits, spark_peak peak, const void *a, const void *b,
  size_t blocks, size_t times);

#ifdef __cplusplus
}
#endif
