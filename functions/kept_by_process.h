// What a process keeps of the greatest memory that it released, for the next
// that it needs: to make 64 MiB anew can cost as much as to send them.
//
//   char* memory = TakeKeptByProcess(&size);       // or null: allocate
//   if (!KeepByProcess(memory, size)) std::free(memory);
//
// One piece, beyond what threads keep (kept_by_thread.h). The system may take
// its pages back whenever it needs them (madvise(2), MADV_FREE): until then
// they count as resident. Only Linux has that; elsewhere nothing is kept.
//
// Thread-safe.

#ifndef MULTIPROC_FUNCTIONS_KEPT_BY_PROCESS_H_
#define MULTIPROC_FUNCTIONS_KEPT_BY_PROCESS_H_

#include <cstddef>

namespace multiproc {

inline constexpr size_t kLargestKeptByProcess = size_t{128} << 20;

// A piece of `*size` bytes at least and twice as much at most, which `*size`
// then is, for std::free. Or null, and then nothing is kept: of two great
// pieces one would be there in vain.
char* TakeKeptByProcess(size_t* size);

// Keeps `memory`, of std::malloc, instead of what was kept before. False, and
// it is the caller's still, if it is greater than kLargestKeptByProcess, the
// system can't, or memory is limited.
bool KeepByProcess(char* memory, size_t size);

// Nothing is kept, until the next call of KeepByProcess.
void FreeKeptByProcess();

// Nor later: for a process whose memory is limited, in which it would count.
// One whose addresses are limited (RLIMIT_AS) keeps nothing as it is.
void KeepNothingByProcess();

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_KEPT_BY_PROCESS_H_
