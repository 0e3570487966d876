#include "square.h"

#include "multiproc/functions/function.h"

double Square(double x) { return x * x; }
MULTIPROC_FUNCTION(Square);
