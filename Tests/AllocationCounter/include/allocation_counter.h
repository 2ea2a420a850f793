// Counts the calls to malloc and its relatives that the calling thread makes, by standing in for
// them in the test program.
#pragma once
#include <stdint.h>

// Begins counting on this thread, from zero.
void allocation_counter_start(void);

// Ends counting on this thread; the number of calls since the start.
int64_t allocation_counter_stop(void);
