// The limits of this process, a line each. POSIX only.

#ifndef MULTIPROC_TESTS_LIMITS_TEXT_H_
#define MULTIPROC_TESTS_LIMITS_TEXT_H_

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <string>

#include "absl/strings/str_cat.h"

namespace multiproc {

inline std::string LimitsText() {
  std::string text;
  const auto add_limit = [&text](const char* name, auto resource) {
    struct rlimit limit = {};
    getrlimit(resource, &limit);
    absl::StrAppend(&text, name, " ", limit.rlim_cur, " ", limit.rlim_max,
                    "\n");
  };
  add_limit("memory", RLIMIT_AS);
  add_limit("cpu", RLIMIT_CPU);
  add_limit("files", RLIMIT_NOFILE);
  add_limit("core", RLIMIT_CORE);
  add_limit("size", RLIMIT_FSIZE);
  absl::StrAppend(&text, "nice ", getpriority(PRIO_PROCESS, 0), "\n");
  const mode_t mask = umask(0);
  umask(mask);
  absl::StrAppend(&text, "umask ", mask, "\n");
  absl::StrAppend(&text, "session ", getsid(0) == getpid() ? "own" : "other",
                  "\n");
  absl::StrAppend(&text, "group ", getpgrp() == getpid() ? "own" : "other",
                  "\n");
#ifdef __linux__
  cpu_set_t cpus;
  sched_getaffinity(0, sizeof(cpus), &cpus);
  absl::StrAppend(&text, "cpus");
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) absl::StrAppend(&text, " ", cpu);
  }
  absl::StrAppend(&text, "\n");
#endif
  return text;
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_LIMITS_TEXT_H_
