// 64-byte vector types, before any instruction set is chosen.
#pragma once
#include <stdint.h>

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint8_t u8x64 __attribute__((vector_size(64)));

#define INLINE static inline __attribute__((always_inline))
