// What worker_program_test calls in a program of its own.

#ifndef MULTIPROC_TESTS_WORKER_PROGRAM_TASKS_H_
#define MULTIPROC_TESTS_WORKER_PROGRAM_TASKS_H_

#include <string>

namespace multiproc {

// The path of the program that it runs in.
std::string PathOfProgram(const std::string& prefix);

void PrintPathOfProgram();

[[noreturn]] void DieInProgram();

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_WORKER_PROGRAM_TASKS_H_
