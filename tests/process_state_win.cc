#include "multiproc/executors/windows_api.h"
// After windows.h, which it needs.
#include <tlhelp32.h>

#include <cstdint>
#include <thread>  // NOLINT(build/c++11)
#include <vector>

#include "absl/synchronization/barrier.h"
#include "multiproc/executors/file_handle.h"
#include "tests/process_state.h"

namespace multiproc {
namespace {

// What a thread has had is kept for the next one, by the C++ runtime and by
// Abseil: as many threads as any test has are there once, at the same time.
bool StartManyThreads() {
  constexpr int kThreads = 32;
  auto* const barrier = new absl::Barrier(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([barrier] {
      if (barrier->Block()) delete barrier;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return true;
}

// By asking about each number that a handle may have.
int ProbeHandles() {
  constexpr uintptr_t kMostHandles = 1024;
  int count = 0;
  for (uintptr_t number = 4; number <= 4 * kMostHandles; number += 4) {
    DWORD flags = 0;
    if (GetHandleInformation(reinterpret_cast<HANDLE>(number), &flags) != 0) {
      ++count;
    }
  }
  return count;
}

// Wine says 0.
int CountHandles() {
  DWORD count = 0;
  GetProcessHandleCount(GetCurrentProcess(), &count);
  return count == 0 ? ProbeHandles() : static_cast<int>(count);
}

int CountThreads(HANDLE snapshot) {
  int count = 0;
  THREADENTRY32 entry = {};
  entry.dwSize = sizeof(entry);
  for (BOOL ok = Thread32First(snapshot, &entry); ok != 0;
       ok = Thread32Next(snapshot, &entry)) {
    if (entry.th32OwnerProcessID == GetCurrentProcessId()) ++count;
  }
  return count;
}

// By the parent's id, which a process keeps when the parent has gone: one that
// had this process's id earlier would add its children.
int CountChildren(HANDLE snapshot) {
  int count = 0;
  PROCESSENTRY32W entry = {};
  entry.dwSize = sizeof(entry);
  for (BOOL ok = Process32FirstW(snapshot, &entry); ok != 0;
       ok = Process32NextW(snapshot, &entry)) {
    if (entry.th32ParentProcessID == GetCurrentProcessId()) ++count;
  }
  return count;
}

}  // namespace

ProcessState ProcessState::Now() {
  [[maybe_unused]] static const bool once = StartManyThreads();
  ProcessState state;
  state.descriptors = CountHandles();
  const ScopedFileHandle snapshot(CreateToolhelp32Snapshot(
      TH32CS_SNAPTHREAD | TH32CS_SNAPPROCESS, /*th32ProcessID=*/0));
  state.threads = CountThreads(snapshot.get());
  state.children = CountChildren(snapshot.get());
  return state;
}

}  // namespace multiproc
