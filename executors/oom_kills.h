// How often the kernel's out-of-memory killer has struck where this process is.
//
//   const OomKillCounter counter = FindOomKillCounter();
//   const std::optional<uint64_t> before = counter();
//   ... a child dies of SIGKILL ...
//   const bool by_oom_killer = *counter() > *before;  // if there is one
//
// It kills with SIGKILL, as anybody may, and tells the parent nothing else; but
// it counts the kill before it sends the signal (mm/oom_kill.c), and so whoever
// sees the death finds it counted.

#ifndef MULTIPROC_EXECUTORS_OOM_KILLS_H_
#define MULTIPROC_EXECUTORS_OOM_KILLS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace multiproc {

// Reads the counter, which is one file; nullopt if there is none. Thread-safe.
using OomKillCounter = std::function<std::optional<uint64_t>()>;

// Which counter tells most of this process and its children, from now on. The
// first of these that there is:
//   "oom_kill" of memory.events in its control group of version 2, or of the
//     nearest group above that has it: of all processes in that group and below
//     (admin-guide/cgroup-v2.rst);
//   "oom_kill" of memory.oom_control in its group of version 1: of all
//     processes in that group (admin-guide/cgroup-v1/memory.rst);
//   "oom_kill" of /proc/vmstat: of all processes of the machine (since Linux
//     4.13).
// On systems other than Linux there is none. `proc` is the folder where /proc
// is.
OomKillCounter FindOomKillCounter(const std::string& proc = "/proc");

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_OOM_KILLS_H_
