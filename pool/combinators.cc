#include "multiproc/pool/combinators.h"

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/future.h"

namespace multiproc {
namespace combinators_internal {
namespace {

// Any pool's callback thread will do.
std::shared_ptr<FutureState> MakeOutcome(const States& states) {
  return MakeDerivedState(states.empty() ? nullptr : states.front()->owner());
}

template <typename T>
void FulfilWith(const std::shared_ptr<FutureState>& outcome, const T& value) {
  std::string bytes;
  absl::Status status = EncodeValues(&bytes, value);
  FutureState::Fulfil(outcome, std::move(status), std::move(bytes));
}

using IsResult = bool (*)(absl::string_view);

absl::Status StatusOf(const FutureState& state, IsResult is_result) {
  if (state.status().ok() && is_result != nullptr &&
      !is_result(state.result())) {
    return future_internal::ResultError();
  }
  return state.status();
}

// As a vector of absl::StatusOr is packed (status_codec.h), in which one result
// of another length would shift all behind it.
void FulfilWithAll(const std::shared_ptr<FutureState>& outcome,
                   const States& states, IsResult is_result) {
  std::string bytes;
  Encoder encoder(&bytes);
  encoder.PutVarint(states.size());
  for (const std::shared_ptr<FutureState>& state : states) {
    const absl::Status status = StatusOf(*state, is_result);
    encoder.Put(status);
    if (status.ok()) encoder.PutBytes(state->result());
  }
  FutureState::Fulfil(outcome, encoder.status(), std::move(bytes));
}

// Splits them; what is ready now is done.
WaitResult ResultOfWait(const States& states) {
  WaitResult result;
  for (size_t i = 0; i < states.size(); ++i) {
    (states[i]->done() ? result.done : result.not_done).push_back(i);
  }
  return result;
}

}  // namespace

std::shared_ptr<FutureState> WhenAll(States states, IsResult is_result) {
  struct Pending {
    std::atomic<size_t> count;
    States states;
    std::shared_ptr<FutureState> outcome;
  };
  std::shared_ptr<FutureState> outcome = MakeOutcome(states);
  if (states.empty()) {
    FulfilWithAll(outcome, states, is_result);
    return outcome;
  }
  auto pending = std::make_shared<Pending>();
  pending->count = states.size();
  pending->states = states;
  pending->outcome = outcome;
  for (const std::shared_ptr<FutureState>& state : states) {
    FutureState::OnDone(state, [pending, is_result](const FutureState&) {
      if (--pending->count > 0) return;
      FulfilWithAll(pending->outcome, pending->states, is_result);
    });
  }
  return outcome;
}

std::shared_ptr<FutureState> WhenAny(const States& states) {
  std::shared_ptr<FutureState> outcome = MakeOutcome(states);
  if (states.empty()) {
    FutureState::Fulfil(outcome,
                        absl::InvalidArgumentError(
                            "WhenAny of no futures would never be ready"),
                        "");
  }
  auto is_first = std::make_shared<std::atomic<bool>>(true);
  for (size_t i = 0; i < states.size(); ++i) {
    FutureState::OnDone(states[i], [outcome, is_first, i](const FutureState&) {
      if (is_first->exchange(false)) FulfilWith(outcome, i);
    });
  }
  return outcome;
}

WaitResult WaitAll(const States& states, absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  for (const std::shared_ptr<FutureState>& state : states) {
    if (!state->Wait(deadline - MonotonicNow())) break;
  }
  return ResultOfWait(states);
}

WaitResult WaitAny(const States& states, absl::Duration timeout) {
  CompletionQueue queue;
  for (size_t i = 0; i < states.size(); ++i) queue.Add(states[i], i);
  queue.Next(timeout);
  return ResultOfWait(states);
}

WaitResult WaitFirstError(const States& states, absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  CompletionQueue queue;
  for (size_t i = 0; i < states.size(); ++i) queue.Add(states[i], i);
  while (const auto next = queue.Next(deadline - MonotonicNow())) {
    if (!states[*next]->status().ok()) break;
  }
  return ResultOfWait(states);
}

}  // namespace combinators_internal
}  // namespace multiproc
