#ifndef TASKS_H_
#define TASKS_H_

#include <cstdint>

int64_t Fibonacci(int64_t n);

// Whether the program that calls it links worker_only.cc.
bool InWorkerProgram();
extern bool in_worker_program;

#endif  // TASKS_H_
