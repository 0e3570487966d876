// The descriptors that this library owns in this process: what a forked child
// that runs no other program must close, since close-on-exec never happens
// there. A write end that stays open in a sibling would keep the end of file
// from ever reaching the reader (the classic hang of forking pools).
//
//   {
//     HandleTable::Lock lock;   // no fork between creation and registration
//     int fd = open(...);
//     fd = HandleTable::AddNew(lock, fd);
//   }
//
// Thread-safe. POSIX only.

#ifndef MULTIPROC_EXECUTORS_HANDLE_TABLE_H_
#define MULTIPROC_EXECUTORS_HANDLE_TABLE_H_

#include <mutex>  // NOLINT(build/c++11): see Lock
#include <optional>
#include <vector>

namespace multiproc {

class HandleTable {
 public:
  // Keeps the process from forking (through ForkExecutor) and the table from
  // changing. A std::mutex, as the child of a fork may unlock it: absl::Mutex
  // would want to wake waiters that do not exist there.
  class Lock {
   public:
    Lock();

   private:
    std::unique_lock<std::mutex> lock_;
  };

  // Held while a program is started. It is a Lock where descriptors can't be
  // opened close-on-exec by one call (macOS): the program would inherit what
  // another thread has opened and not marked yet. Elsewhere it does nothing.
  class ExecLock {
   public:
    ExecLock();

   private:
    std::optional<Lock> lock_;
  };

  static void Add(const Lock& lock, int fd);
  // The same for a descriptor that this library has just opened. Returns its
  // number, which is another if it was that of a standard stream: in a program
  // that has closed those (a daemon), a child's streams would be put over it.
  static int AddNew(const Lock& lock, int fd);
  static void Remove(const Lock& lock, int fd);

  // In a forked child, while `lock` is still held from before the fork: closes
  // all but `kept`. Async-signal-safe, so that a child of a program with
  // threads may call it.
  static void CloseAllBut(const Lock& lock, const std::vector<int>& kept);
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_HANDLE_TABLE_H_
