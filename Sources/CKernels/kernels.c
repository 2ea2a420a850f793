#include "spark_kernels.h"
