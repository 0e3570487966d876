#ifndef LOGGING_EXECUTOR_H_
#define LOGGING_EXECUTOR_H_

#include <string>
#include <vector>

// What the backend "logging" has started so far in this process.
std::vector<std::string> StartedChildren();

#endif  // LOGGING_EXECUTOR_H_
