#ifndef TASKS_H_
#define TASKS_H_

#include <cstdint>

int64_t Fibonacci(int64_t n);

#endif  // TASKS_H_
