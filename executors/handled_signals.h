// Which signals are not at their defaults. POSIX only.

#ifndef MULTIPROC_EXECUTORS_HANDLED_SIGNALS_H_
#define MULTIPROC_EXECUTORS_HANDLED_SIGNALS_H_

#include <cstdint>

namespace multiproc {

// A set of signals: bit n - 1 stands for signal n.
using SignalSet = uint64_t;
inline constexpr SignalSet kAllSignals = ~SignalSet{0};

inline bool HasSignal(SignalSet set, int signal) {
  return ((set >> (signal - 1)) & 1) != 0;
}

// The signals that this process handles or ignores, or more than those where
// the system does not tell. What another thread changes meanwhile may be
// missed.
SignalSet HandledSignals();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_HANDLED_SIGNALS_H_
