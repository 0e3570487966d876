// The state of a future that stands for no task of its own, but for what
// becomes of others.

#ifndef MULTIPROC_POOL_DERIVED_STATE_H_
#define MULTIPROC_POOL_DERIVED_STATE_H_

#include <functional>
#include <memory>

#include "multiproc/pool/future_state.h"

namespace multiproc {

// Its callbacks run where `owner` runs them; at once, on the thread that sets
// or fulfils it, if that is null. Whoever makes it fulfils it. `cancel` is
// called, on any thread, by Future::Cancel before the outcome is there, and
// says what that returns; without it the state can't be cancelled.
std::shared_ptr<FutureState> MakeDerivedState(
    std::shared_ptr<FutureOwner> owner, std::function<bool()> cancel = nullptr);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_DERIVED_STATE_H_
